// What follows the baseline's API: a worker that makes a delivery of each notification, and a worker that posts it, signed.
// Both live in one process, so that nothing but the two queues lies between them; there is no subscription to look up,
// nothing to decide and nothing to record, which ours has to do on the same way.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Notification } from '../notifications';
import { signedPosts, type WebhookJob } from './signed-post';

const concurrency = 50;
const connections = 10;

const { redisUrl, uri, signatureSecret } = JSON.parse(process.argv[2] ?? '') as {
  redisUrl: string;
  uri: string;
  signatureSecret: string;
};

const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
const queue = new Queue<WebhookJob>('webhooks', { connection });
const post = signedPosts(signatureSecret, connections);
const opts = { attempts: 5, backoff: { type: 'exponential', delay: 5000 }, removeOnComplete: true };

const dispatcher = new Worker<Notification & { timestamp: number }>(
  'notifications',
  async ({ id = '', data: { context, user, topic, payload, timestamp } }) => {
    await queue.add('post', { id: `delivery-${id}`, uri, context, user, topic, payload, timestamp }, opts);
  },
  { connection, concurrency },
);
const worker = new Worker<WebhookJob>('webhooks', ({ data }) => post(data), { connection, concurrency });

void Promise.all([dispatcher.waitUntilReady(), worker.waitUntilReady()]).then(() => process.send?.({}));
