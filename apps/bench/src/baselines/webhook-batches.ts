// The limit of `webhook`: BullMQ jobs with many deliveries each, which the fastest available client posts. Nothing is looked up, logged,
// recorded or repeated.
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { signedPosts, type WebhookJob } from './signed-post';

const concurrency = 4;

const { redisUrl, connections, signatureSecret } = JSON.parse(process.argv[2] ?? '') as {
  redisUrl: string;
  connections: number;
  signatureSecret: string;
};

const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
const post = signedPosts(signatureSecret, connections);
const postAll = async (deliveries: readonly WebhookJob[]): Promise<void> =>
  void (await Promise.all(deliveries.map(post)));
const worker = new Worker<WebhookJob[]>('webhooks', ({ data }) => postAll(data), { connection, concurrency });
worker.once('ready', () => process.send?.({}));
