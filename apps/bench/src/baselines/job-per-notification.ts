// The first half of the usual solution: a delayed BullMQ job for each notification, added in bulk and without HTTP. A worker adds
// a job for each delivery when the notification is due. Nothing is looked up, checked, joined or logged. Several `addBulk` run
// concurrently, and the worker's concurrency is the fastest that was found; automatic pipelining of ioredis made it slower.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { answerQuestions } from '../child';
import { mailNotification, type Notification } from '../notifications';

const batchSize = 100;
const inFlight = 4;
const concurrency = 100;

type NotifyQuestion =
  | { readonly redisUrl: string }
  | { readonly first: number; readonly count: number; readonly users: number; readonly delayMs: number };

let queue: Queue<Notification>;

async function open(redisUrl: string): Promise<object> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const defaultJobOptions = { removeOnComplete: true };
  queue = new Queue('notifications', { connection, defaultJobOptions });
  const deliveries = new Queue<Notification>('deliveries', { connection, defaultJobOptions });
  const worker = new Worker<Notification>('notifications', ({ data }) => deliveries.add('deliver', data), {
    connection,
    concurrency,
  });
  await worker.waitUntilReady();
  return {};
}

async function addAll(first: number, count: number, users: number, delay: number): Promise<object> {
  let next = first;
  const add = async (): Promise<void> => {
    while (next < first + count) {
      const from = next;
      next += batchSize;
      const indexes = Array.from({ length: Math.min(batchSize, first + count - from) }, (_, index) => from + index);
      await queue.addBulk(
        indexes.map((index) => ({ name: 'notify', data: mailNotification(index, users), opts: { delay } })),
      );
    }
  };
  await Promise.all(Array.from({ length: inFlight }, add));
  return {};
}

answerQuestions<NotifyQuestion>((question) =>
  'redisUrl' in question
    ? open(question.redisUrl)
    : addAll(question.first, question.count, question.users, question.delayMs),
);
