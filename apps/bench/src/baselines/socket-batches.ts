// The limit of `websocket`, and the last part of that of `pipeline`: BullMQ jobs with many events each, and Socket.IO in the process
// that takes them. It looks up nothing, and writes no log, metrics or history.
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { answerQuestions } from '../child';
import { mailNotification, type Notification } from '../notifications';
import { io, listen } from './bare-socket-io';

const eventsPerJob = 500;
const concurrency = 4;

type BatchQuestion =
  | { readonly redisUrl: string }
  | { readonly first: number; readonly count: number; readonly users: number }
  | { readonly release: true };

interface Batch {
  readonly events: readonly Notification[];
}

let queue: Queue<Batch>;

async function open(redisUrl: string): Promise<object> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  queue = new Queue('events', { connection, defaultJobOptions: { removeOnComplete: true } });
  const emit = ({ events }: Batch): Promise<void> => {
    // The first user is 1, and its socket `tab-0`.
    for (const { user, topic, payload } of events) io.to(`tab-${user - 1}`).emit(topic, payload);
    return Promise.resolve();
  };
  const worker = new Worker<Batch>('events', ({ data }) => emit(data), { connection, concurrency });
  await worker.waitUntilReady();
  return listen();
}

async function fill(first: number, count: number, users: number): Promise<object> {
  await queue.pause();
  const jobs = Array.from({ length: Math.ceil(count / eventsPerJob) }, (_, job) => {
    const from = first + job * eventsPerJob;
    const length = Math.min(eventsPerJob, first + count - from);
    const events = Array.from({ length }, (_each, index) => mailNotification(from + index, users));
    return { name: 'emit', data: { events } };
  });
  await queue.addBulk(jobs);
  return {};
}

answerQuestions<BatchQuestion>(async (question) => {
  if ('redisUrl' in question) return open(question.redisUrl);
  if ('first' in question) return fill(question.first, question.count, question.users);
  await queue.resume();
  return {};
});
