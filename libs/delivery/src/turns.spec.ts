import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DeliveryJob } from '@pns/queue';
import type { Job as QueuedJob } from 'bullmq';
import fc from 'fast-check';
import { byFirstAcceptance, Turns } from './turns';

interface Job {
  readonly number: number;
}

const byNumber = (one: Job, other: Job): number => one.number - other.number;

it('lets jobs pass in the order of their turns, in any order of their starts and for any time of preparation', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 20 }), async (scheduler, fails) => {
      const turns = new Turns<Job>(byNumber);
      const passed: number[] = [];
      const fetched = fails.map((isFailing, number) => ({ isFailing, number }));
      for (const job of fetched) turns.take(job);
      const jobs = fetched.map(async (job) => {
        try {
          await scheduler.schedule(Promise.resolve(), `job ${job.number} prepares`);
          if (job.isFailing) return;
          await turns.of(job)?.before;
          passed.push(job.number);
        } finally {
          turns.of(job)?.done();
        }
      });
      await scheduler.waitFor(Promise.all(jobs));
      expect(passed).toEqual(fails.flatMap((isFailing, number) => (isFailing ? [] : [number])));
    }),
  );
});

it('sorts jobs that arrived at once, and lets none that arrived later overtake them', async () => {
  const groups = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 6 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(groups, async (arriving) => {
      const turns = new Turns<Job>(byNumber);
      const passed: number[] = [];
      const fetched: Job[] = [];
      for (const together of arriving) {
        for (const number of together) {
          const job = { number };
          turns.take(job);
          fetched.push(job);
        }
        await nextTurn();
      }
      const started = fetched.reverse().map(async (job) => {
        await turns.of(job)?.before;
        passed.push(job.number);
        turns.of(job)?.done();
      });
      await Promise.all(started);
      expect(passed).toEqual(arriving.flatMap((together) => [...together].sort((one, other) => one - other)));
    }),
  );
});

const delivery = fc.record(
  { dueAt: fc.oneof(fc.integer(), fc.jsonValue()), order: fc.oneof(fc.integer(), fc.jsonValue()) },
  { requiredKeys: [] },
);
const jobData = fc.oneof(
  fc.jsonValue(),
  fc.record({ deliveries: fc.oneof(fc.jsonValue(), fc.array(fc.oneof(delivery, fc.jsonValue()), { maxLength: 2 })) }),
  fc.constant(undefined),
);

it('compares jobs with any data, because the data is not checked before', () => {
  const job = (data: unknown): QueuedJob<DeliveryJob> => ({ data }) as QueuedJob<DeliveryJob>;
  fc.assert(
    fc.property(jobData, jobData, (one, other) => {
      expect(typeof byFirstAcceptance(job(one), job(other))).toBe('number');
    }),
    {
      examples: [
        [null, null],
        [{ deliveries: [null] }, { deliveries: [null] }],
      ],
    },
  );
});

it('compares jobs by due time, then by the order of acceptance', () => {
  const job = (dueAt: number, order?: number): QueuedJob<DeliveryJob> =>
    ({ data: { deliveries: [{ dueAt, order }] } }) as unknown as QueuedJob<DeliveryJob>;
  const sorted = [job(1), job(1, 1), job(1, 2), job(2)];
  expect(
    [sorted[3], sorted[1], sorted[2], sorted[0]].map((each) => each as QueuedJob<DeliveryJob>).sort(byFirstAcceptance),
  ).toEqual(sorted);
});
