import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { Turns } from './turns';

const byNumber = (one: number, other: number): number => one - other;

it('lets jobs pass in the order in which they took their turns, however long each prepares', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 20 }), async (scheduler, fails) => {
      const turns = new Turns(() => 0);
      const passed: number[] = [];
      const jobs = fails.map(async (isFailing, number) => {
        const turn = turns.take(number);
        try {
          await scheduler.schedule(Promise.resolve(), `job ${number} prepares`);
          if (isFailing) return;
          await turn.before;
          passed.push(number);
        } finally {
          turn.done();
        }
      });
      await scheduler.waitFor(Promise.all(jobs));
      expect(passed).toEqual(fails.flatMap((isFailing, number) => (isFailing ? [] : [number])));
    }),
  );
});

it('sorts jobs that came at once, and lets none that came later overtake them', async () => {
  const groups = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 6 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(groups, async (arriving) => {
      const turns = new Turns(byNumber);
      const passed: number[] = [];
      const jobs: Promise<void>[] = [];
      for (const together of arriving) {
        for (const place of together) {
          const turn = turns.take(place);
          jobs.push(turn.before.then(() => void passed.push(place)).finally(turn.done));
        }
        await nextTurn();
      }
      await Promise.all(jobs);
      expect(passed).toEqual(arriving.flatMap((together) => [...together].sort(byNumber)));
    }),
  );
});
