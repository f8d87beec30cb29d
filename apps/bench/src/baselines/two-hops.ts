// The part after the baseline's API: a worker that turns each notification into a delivery, and a worker that signs and
// posts it. Both are in one process, so that only the two queues are between them. Unlike ours, they look up no
// subscription, decide nothing and record nothing. As the limit of `latency`, a queue of due windows is before them, like the ticks of PNS.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Notification } from '../notifications';
import { signedPosts, type WebhookJob } from './signed-post';

const concurrency = 50;
const connections = 10;

const { redisUrl, uri, signatureSecret, hasWindows } = JSON.parse(process.argv[2] ?? '') as {
  redisUrl: string;
  uri: string;
  signatureSecret: string;
  /** Whether a job in a third queue stands for the window of each notification. */
  hasWindows?: boolean;
};

const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
const queue = new Queue<WebhookJob>('webhooks', { connection });
const post = signedPosts(signatureSecret, connections);
const opts = { attempts: 5, backoff: { type: 'exponential', delay: 5000 }, removeOnComplete: true };

type Accepted = Notification & { readonly timestamp: number };

const windows = new Queue<Accepted>('windows', { connection });
const opener = hasWindows
  ? new Worker<Accepted>(
      'notifications',
      async ({ data }) => void (await windows.add('due', data, { removeOnComplete: true })),
      { connection, concurrency },
    )
  : undefined;
const dispatcher = new Worker<Accepted>(
  hasWindows ? 'windows' : 'notifications',
  async ({ id = '', data: { context, user, topic, payload, timestamp } }) => {
    await queue.add('post', { id: `delivery-${id}`, uri, context, user, topic, payload, timestamp }, opts);
  },
  { connection, concurrency },
);
const worker = new Worker<WebhookJob>('webhooks', ({ data }) => post(data), { connection, concurrency });

const workers = [opener, dispatcher, worker].filter((each) => each !== undefined);
void Promise.all(workers.map((each) => each.waitUntilReady())).then(() => process.send?.({}));
