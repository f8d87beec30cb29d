import { declareCounter, log } from '@pns/runtime';
import { transportNames } from '@pns/transport-contract';
import type { Job } from 'bullmq';
import { LRUCache } from 'lru-cache';
import { aggregationQueue, deliveryQueue, queueLabel } from './queues';

const labels = { queue: [aggregationQueue, ...transportNames.map(deliveryQueue)] };

const failed = declareCounter({
  name: 'pns_jobs_failed_total',
  help: 'Jobs that threw an error; they are run again.',
  labels,
});

const stalled = declareCounter({
  name: 'pns_jobs_stalled_total',
  help: 'Jobs whose worker died or was blocked while it ran them, and that this process returned to the queue.',
  labels,
});

/** The same fault of a queue is logged at most once in this time, in ms. While Postgres is away, a job fails every two seconds. */
const quietMs = 10_000;

/** How often each fault has occurred since it was logged. */
const unlogged = new LRUCache<string, number>({ max: 1000, ttl: quietMs });

interface Fault {
  readonly event: 'job.failed' | 'queue.fault' | 'redis.unreachable';
  /** Absent when a fault concerns all queues of the process. */
  readonly queue?: string;
  readonly reason: string;
}

/** Logs a fault without a stack, unless it was logged within `quietMs`; the next line contains how often it occurred meanwhile. */
function logFault(fault: Fault, more: object = {}): void {
  const { event, queue, reason } = fault;
  // A lost connection causes several different errors at once, so its reason is not part of the key.
  const key = queue === undefined ? event : `${event} ${queue} ${reason}`;
  const isRecent = unlogged.has(key);
  const count = unlogged.get(key, { allowStale: true }) ?? 0;
  if (isRecent) return void unlogged.set(key, count + 1, { noUpdateTTL: true });
  unlogged.set(key, 0);
  log.warn({ ...fault, ...more, ...(count > 0 && { unlogged: count }) });
}

/** Listeners for the faults of a queue in this process. */
interface JobFaults {
  readonly failed: (job: Job | undefined, error: Error) => void;
  readonly stalled: (job: string) => void;
  readonly lost: (job: string) => void;
  readonly error: (error: Error) => void;
}

/** Listeners that count and log the faults of the queue `name`, with a reason and without a stack. */
export function jobFaults(name: string): JobFaults {
  const queue = queueLabel(name);
  return {
    failed: (job, { message: reason }) => {
      failed.inc({ queue });
      logFault({ event: 'job.failed', queue, reason }, { job: job?.id, failures: job?.attemptsMade });
    },
    stalled: (job) => {
      stalled.inc({ queue });
      log.warn({ event: 'job.stalled', queue, job, reason: 'the worker that ran it died or did not answer in time' });
    },
    lost: (job) => log.warn({ event: 'job.lost', queue, job, reason: 'another worker has started it meanwhile' }),
    error: (error) => {
      // One connection serves all queues of a process, so this fault is logged without a queue.
      if (isConnectionError(error)) logFault({ event: 'redis.unreachable', reason: error.message });
      else logFault({ event: 'queue.fault', queue, reason: error.message });
    },
  };
}

function isConnectionError(error: Error & { code?: unknown }): boolean {
  const isSystemCode = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'].includes(String(error.code));
  return isSystemCode || /^Connection is closed|Command timed out/.test(error.message);
}
