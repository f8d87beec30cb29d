import { eventually } from '@pns/local-servers/waiting';
import { aggregationQueue, deliveryQueue, socketNodeQueue } from '@pns/queue';
import { Queue } from 'bullmq';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import type { Finding, FuzzPart } from './fuzz-part';
import type { FuzzStack } from './fuzz-stack';
import { hostileJson, nearlyValid } from './hostile-values';

/** The data of a job, as JSON, and the queue that gets the job. */
interface JobInput {
  readonly queue: 'aggregation' | 'webhook' | 'sockets' | 'parked';
  readonly json: string;
}

const tick = { v: 1, dueAt: 0 };

const delivery = {
  ...{
    id: 'fuzz-1',
    notificationId: 'fuzz',
    context: 906,
    user: 1,
    client: 'sandbox',
    transport: 'webhook',
    token: 'https://a.example/',
  },
  ...{
    topic: 'a',
    payload: { b: 1 },
    priority: 'high',
    count: 1,
    timestamp: 1_764_000_000_000,
    dueAt: 1_764_000_000_000,
    attempt: 1,
  },
};

const deliveryJobs = fc.constantFrom<unknown>(
  { v: 1, endpoint: 'https://a.example', deliveries: [delivery] },
  {
    v: 1,
    endpoint: 'https://a.example',
    deliveries: [delivery, { ...delivery, id: 'fuzz-2', deferredSince: 1, expiresAt: 5, replyTo: 'pns:test:a' }],
  },
  // An earlier version wrote `sparedSince`.
  {
    v: 1,
    endpoint: 'https://a.example',
    deliveries: [{ ...delivery, sparedSince: 1, collapseKey: 'a b', sourceToken: 'c' }],
  },
  { v: 2, endpoint: 'https://a.example', deliveries: [] },
);

const socketDelivery = {
  ...delivery,
  client: 'open-xchange-appsuite',
  transport: 'websocket',
  token: 'node',
  order: 1,
  lookedAt: 1,
};

const socketJobs = fc.constantFrom<unknown>(
  { v: 1, endpoint: 'node', deliveries: [socketDelivery] },
  {
    v: 1,
    endpoint: 'node',
    deliveries: [{ ...socketDelivery, target: { kind: 'socket', node: 'a', connection: 'b' } }],
  },
  {
    v: 1,
    endpoint: 'node',
    deliveries: [{ ...socketDelivery, target: { kind: 'parked', step: 'find', namedOnly: true } }],
  },
  {
    v: 1,
    endpoint: 'node',
    deliveries: [{ ...socketDelivery, target: { kind: 'parked', step: 'settle', isBeforeMailboxes: true } }],
  },
);

const almost = (jobs: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { weight: 6, arbitrary: nearlyValid(jobs) },
    { weight: 1, arbitrary: hostileJson },
    { weight: 1, arbitrary: jobs.map((job) => JSON.stringify(job)) },
  );

const inputs: fc.Arbitrary<JobInput> = fc.oneof(
  { weight: 2, arbitrary: almost(fc.constant<unknown>(tick)).map((json) => ({ queue: 'aggregation' as const, json })) },
  { weight: 4, arbitrary: almost(deliveryJobs).map((json) => ({ queue: 'webhook' as const, json })) },
  { weight: 2, arbitrary: almost(socketJobs).map((json) => ({ queue: 'sockets' as const, json })) },
  { weight: 1, arbitrary: almost(socketJobs).map((json) => ({ queue: 'parked' as const, json })) },
);

const shard = '{pns:0}';
const socketGroup = '{pns:websocket}';

/** Puts jobs that no version of PNS wrote into the queues of the running apps. Some of them are almost valid. */
export class JobPart implements FuzzPart<JobInput> {
  readonly name = 'jobs';
  readonly weight = 3;
  readonly inputs = inputs;
  private added = 0;

  constructor(private readonly stack: FuzzStack) {}

  async tryAll(some: readonly JobInput[]): Promise<Finding[]> {
    const redis = new Redis(this.stack.system.redis.url, { maxRetriesPerRequest: null });
    const queues = await openQueues(redis);
    const begun = `fuzz-${++this.added}-`;
    try {
      const ids = await Promise.all(
        some.map(async ({ queue, json }, index) => {
          const id = `${begun}${index}`;
          const data: unknown = JSON.parse(json);
          await queues[queue].add('fuzz', data, {
            jobId: id,
            attempts: 1000,
            backoff: { type: 'fixed', delay: 2000 },
            removeOnComplete: true,
          });
          return { id, queue: queues[queue] };
        }),
      );
      const waiting = async (): Promise<boolean> => {
        const jobs = await Promise.all(ids.map(({ id, queue }) => queue.getJob(id)));
        return jobs.every((job) => job === undefined || job.attemptsStarted > 0);
      };
      await eventually('every job was started', waiting, 60_000);
      // PNS leaves unreadable jobs in the queue for a version that can read them, so they are removed here.
      await eventually('every job is removed', async () => {
        const results = await Promise.all(ids.map(({ id, queue }) => removed(queue, id)));
        return results.every(Boolean);
      });
      const canary = await this.stack.canaryFault();
      return canary === undefined ? [] : [{ part: this.name, fault: canary, input: some }];
    } catch (error) {
      return [{ part: this.name, fault: (error as Error).message, input: some }];
    } finally {
      await Promise.all(Object.values(queues).map((queue) => queue.close()));
      redis.disconnect();
    }
  }
}

async function openQueues(redis: Redis): Promise<Record<JobInput['queue'], Queue>> {
  const [node = ''] = await redis.zrange(`${socketGroup}:nodes`, 0, 0);
  const open = (group: string, name: string) => new Queue(name, { connection: redis, prefix: group });
  return {
    aggregation: open(shard, aggregationQueue),
    webhook: open(shard, deliveryQueue('webhook')),
    sockets: open(socketGroup, socketNodeQueue(node)),
    parked: open(socketGroup, socketNodeQueue('-')),
  };
}

/** Removes a job, and returns whether it is gone. A job in progress cannot be removed yet. */
async function removed(queue: Queue, id: string): Promise<boolean> {
  try {
    await queue.remove(id);
    return (await queue.getJob(id)) === undefined;
  } catch {
    return false;
  }
}
