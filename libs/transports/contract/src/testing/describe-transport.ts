import type { Delivery } from '../delivery';
import type { Outcome } from '../outcome';
import type { Transport } from '../transport';

/** What the far side does with the requests to come. */
export type FarSide =
  | 'accepts'
  | 'hangs'
  | 'drops the connection'
  | 'throttles for two seconds'
  | 'knows the target no more'
  | 'finds the payload too large'
  | 'refuses our credentials';

/** A transport wired to the far side of its wire, as real as it can be had: the sandbox, never a mock of our own classes. */
export interface TransportHarness {
  /** Grants its far side 500 ms at most to answer. */
  readonly transport: Transport;
  readonly delivery: Delivery;
  farSide(behaviour: FarSide): void | Promise<void>;
  /** The idempotency ids of the requests that reached the far side, in order. */
  arrivedIds(): string[] | Promise<string[]>;
  close(): Promise<void>;
}

/** Says what every transport owes the delivery stage. `start` is called anew for each test. */
export function describeTransport(name: string, start: () => Promise<TransportHarness>): void {
  describe(`the transport ${name}`, () => {
    let harness: TransportHarness;
    beforeEach(async () => {
      harness = await start();
    });
    afterEach(() => harness.close());

    const deliver = (signal = new AbortController().signal, attempt = 1): Promise<Outcome> =>
      harness.transport.deliver({ ...harness.delivery, attempt }, signal);
    const outcomeWhenFarSide = async (behaviour: FarSide): Promise<Outcome> => {
      await harness.farSide(behaviour);
      return deliver();
    };

    it('has the name that deliveries know it by', () => {
      expect(harness.transport.name).toBe(harness.delivery.transport);
    });

    it('delivers with an id that is the same for every attempt', async () => {
      expect(await deliver()).toMatchObject({ kind: 'delivered' });
      expect(await deliver(undefined, 2)).toMatchObject({ kind: 'delivered' });
      const ids = await harness.arrivedIds();
      expect(ids).toEqual([ids[0], ids[0]]);
      expect(ids[0]).toBeTruthy();
    });

    it.each<[FarSide, Outcome['kind']]>([
      ['hangs', 'retry'],
      ['drops the connection', 'retry'],
      ['knows the target no more', 'gone'],
      ['finds the payload too large', 'rejected'],
      ['refuses our credentials', 'misconfigured'],
    ])('when the far side %s, the outcome is %s with a reason', async (behaviour, kind) => {
      const outcome = await outcomeWhenFarSide(behaviour);
      expect(outcome).toMatchObject({ kind, reason: expect.stringMatching(/./) as string });
    });

    it('passes on how long a throttled delivery is to wait', async () => {
      const outcome = await outcomeWhenFarSide('throttles for two seconds');
      expect(outcome).toEqual({ kind: 'retry', reason: expect.any(String) as string, afterMs: 2000 });
    });

    it('delivers again once the far side has recovered', async () => {
      await outcomeWhenFarSide('drops the connection');
      expect(await outcomeWhenFarSide('accepts')).toMatchObject({ kind: 'delivered' });
    });

    it('sends each of many at once, and each gets its own outcome', async () => {
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => deliver()));
      expect(outcomes.map(({ kind }) => kind)).toEqual(Array(50).fill('delivered'));
      expect(await harness.arrivedIds()).toHaveLength(50);
    });

    it('sends nothing when it is aborted beforehand', async () => {
      await expect(deliver(AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping');
      expect(await harness.arrivedIds()).toEqual([]);
    });

    it('stops waiting when it is aborted', async () => {
      await harness.farSide('hangs');
      const stop = new AbortController();
      const sent = deliver(stop.signal);
      stop.abort(new Error('stopping'));
      await expect(sent).rejects.toThrow('stopping');
    });
  });
}
