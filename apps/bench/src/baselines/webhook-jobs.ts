// One BullMQ job for each delivery. The fastest available client posts it, over as many kept connections to an endpoint as PNS may
// open. The jobs are in the queue before the start, finished jobs are not kept, and nothing is logged or recorded. 50 to 400 jobs at
// once made no difference.
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { signedPosts, type WebhookJob } from './signed-post';

const concurrency = 200;

const { redisUrl, connections, signatureSecret } = JSON.parse(process.argv[2] ?? '') as {
  redisUrl: string;
  connections: number;
  signatureSecret: string;
};

const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
const post = signedPosts(signatureSecret, connections);
const worker = new Worker<WebhookJob>('webhooks', ({ data }) => post(data), { connection, concurrency });
worker.once('ready', () => process.send?.({}));
