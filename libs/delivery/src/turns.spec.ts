import fc from 'fast-check';
import { Turns } from './turns';

it('lets jobs pass in the order in which they took their turns, however long each prepares', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { maxLength: 20 }), async (scheduler, fails) => {
      const turns = new Turns();
      const passed: number[] = [];
      const jobs = fails.map(async (isFailing, number) => {
        const turn = turns.take();
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
