// The second half of the usual solution: a worker with a job for each delivery. It runs in the process that holds the sockets, so
// it emits with bare Socket.IO to the user's room and needs no adapter. Its concurrency is the fastest that was found.
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { answerQuestions } from '../child';
import type { Notification } from '../notifications';
import { io, listen } from './bare-socket-io';

const concurrency = 100;

async function open(redisUrl: string): Promise<object> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const worker = new Worker<Notification>(
    'deliveries',
    ({ data: { user, topic, payload } }) => Promise.resolve(void io.to(`tab-${user - 1}`).emit(topic, payload)),
    { connection, concurrency },
  );
  await worker.waitUntilReady();
  return listen();
}

answerQuestions<{ readonly redisUrl: string }>(({ redisUrl }) => open(redisUrl));
