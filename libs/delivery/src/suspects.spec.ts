import type { Delivery } from '@pns/transport-contract';
import fc from 'fast-check';
import { isDeadly, stepsOf, withCare } from './suspects';

const deliveries = (ids: readonly string[]) => ids.map((id) => ({ id }) as Delivery);

const stepIds = (tries: Readonly<Record<string, number>>): string[][] =>
  stepsOf(deliveries(Object.keys(tries)), (id) => tries[id] ?? 0).map((step) => step.map(({ id }) => id));

describe('deliveries that are sent with care', () => {
  it('go some at a time, and those last and alone that processes died of', () => {
    const innocent = Array.from({ length: 12 }, (_, index) => `i${index}`);
    const tries = { twice: 2, once: 1, ...Object.fromEntries(innocent.map((id) => [id, 0])) };
    expect(stepIds(tries)).toEqual([innocent.slice(0, 10), innocent.slice(10), ['once'], ['twice']]);
  });

  it('go each in exactly one step', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.nat(3)), (tries) => {
        expect(stepIds(tries).flat().sort()).toEqual(Object.keys(tries).sort());
      }),
    );
  });

  it('are one at a time after two more deaths whatever they are, so that only one is accused of both', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.nat(99), (count, at) => {
        const ids = Array.from({ length: count }, (_, index) => `d${index}`);
        const deadly = ids[at % count];
        const tries = new Map(ids.map((id) => [id, 0]));
        const done = new Set<string>();
        for (let deaths = 0; deaths < 2; deaths++) {
          const open = deliveries(ids.filter((id) => !done.has(id)));
          for (const step of stepsOf(open, (id) => tries.get(id) ?? 0)) {
            for (const { id } of step) tries.set(id, (tries.get(id) ?? 0) + 1);
            if (step.some(({ id }) => id === deadly)) break;
            for (const { id } of step) done.add(id);
          }
        }
        const accused = ids.filter((id) => !done.has(id) && isDeadly(tries.get(id) ?? 0));
        expect(accused).toEqual([deadly]);
      }),
    );
  });

  it('wait until those of another job have ended', async () => {
    const events: string[] = [];
    let end: () => void = () => undefined;
    const first = withCare(
      () => Promise.resolve(),
      () => new Promise<void>((resolve) => (end = resolve)).then(() => events.push('first ended')),
    );
    const second = withCare(
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
