import type { Delivery } from '@pns/transport-contract';
import fc from 'fast-check';
import { isPoison, stepsOf, runStep } from './suspects';

const deliveries = (ids: readonly string[]) => ids.map((id) => ({ id }) as Delivery);

const stepIds = (tries: Readonly<Record<string, number>>): string[][] =>
  stepsOf(deliveries(Object.keys(tries)), (id) => tries[id] ?? 0).map((step) => step.map(({ id }) => id));

describe('suspect deliveries', () => {
  it('are sent several at a time while no process died, and then one at a time', () => {
    const withoutDeath = Array.from({ length: 12 }, (_, index) => `i${index}`);
    const tries = { twice: 2, once: 1, ...Object.fromEntries(withoutDeath.map((id) => [id, 0])) };
    expect(stepIds(tries)).toEqual([withoutDeath.slice(0, 10), withoutDeath.slice(10), ['once'], ['twice']]);
  });

  it('are each sent in exactly one step', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.nat(3)), (tries) => {
        expect(stepIds(tries).flat().sort()).toEqual(Object.keys(tries).sort());
      }),
    );
  });

  it('are narrowed down to a single one by two deaths', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(99), (count, at) => {
        const ids = Array.from({ length: count }, (_, index) => `d${index}`);
        const poison = ids[at % count];
        const tries = new Map(ids.map((id) => [id, 0]));
        const done = new Set<string>();
        for (let deaths = 0; deaths < 2; deaths++) {
          const open = deliveries(ids.filter((id) => !done.has(id)));
          for (const step of stepsOf(open, (id) => tries.get(id) ?? 0)) {
            for (const { id } of step) tries.set(id, (tries.get(id) ?? 0) + 1);
            if (step.some(({ id }) => id === poison)) break;
            for (const { id } of step) done.add(id);
          }
        }
        const suspected = ids.filter((id) => !done.has(id) && isPoison(tries.get(id) ?? 0));
        expect(suspected).toEqual([poison]);
      }),
    );
  });

  it('wait until those of another job have ended', async () => {
    const events: string[] = [];
    let end: () => void = () => undefined;
    const first = runStep(
      () => Promise.resolve(),
      () => new Promise<void>((resolve) => (end = resolve)).then(() => events.push('first ended')),
    );
    const second = runStep(
      () => Promise.resolve(void events.push('second begins')),
      () => Promise.resolve(),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([]);
    end();
    await Promise.all([first, second]);
    expect(events).toEqual(['first ended', 'second begins']);
  });
});
