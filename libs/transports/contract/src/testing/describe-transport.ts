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

/**
 * A transport wired to the far side of its wire, as real as it can be had: the sandbox, or clients; never a mock of our own
 * classes.
 */
export interface SendingHarness {
  readonly transport: Transport;
  readonly delivery: Delivery;
  /** The idempotency ids of what reached the far side, in order. */
  arrivedIds(): string[] | Promise<string[]>;
  close(): void | Promise<void>;
}

/** The same where the far side answers, and wants to know who we are. */
export interface TransportHarness extends SendingHarness {
  farSide(behaviour: FarSide): void | Promise<void>;
  /** Makes the far side refuse the credentials that it took until now. */
  revokeCredentials(): void | Promise<void>;
  /** Gives the transport credentials that the far side takes, as an operator would who changes its options. */
  mendCredentials(): void | Promise<void>;
}

/** Starts a transport that grants its far side `answerMs` to answer. */
type Start = (answerMs: number) => Promise<TransportHarness>;

/** Answers may take long where the machine has much to do: only who waits for a time-out has a short one. */
const patientMs = 25_000;

/** Says what every transport owes the delivery stage. `start` is called anew for each test. */
export function describeTransport(name: string, start: Start): void {
  describeSending(name, () => start(patientMs));
  describeAnswers(name, () => start(patientMs));
  describeTimeOut(name, () => start(500));
}

/** The part of it that holds where nobody answers too. */
export function describeSending(name: string, start: () => Promise<SendingHarness>): void {
  describe(`the transport ${name} sends`, () => {
    const { running, deliver } = harnessOf(start);

    it('under the name that deliveries know it by', () => {
      expect(running().transport.name).toBe(running().delivery.transport);
    });

    it('with an id that is the same for every attempt', async () => {
      expect(await deliver()).toMatchObject({ kind: 'delivered' });
      expect(await deliver(undefined, 2)).toMatchObject({ kind: 'delivered' });
      const ids = await running().arrivedIds();
      expect(ids).toEqual([ids[0], ids[0]]);
      expect(ids[0]).toBeTruthy();
    });

    it('each of many at once, and each gets its own outcome', async () => {
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => deliver()));
      expect(outcomes.map(({ kind }) => kind)).toEqual(Array(50).fill('delivered'));
      expect(await running().arrivedIds()).toHaveLength(50);
    });

    it('nothing when it is aborted beforehand', async () => {
      await expect(deliver(AbortSignal.abort(new Error('stopping')))).rejects.toThrow('stopping');
      expect(await running().arrivedIds()).toEqual([]);
    });
  });
}

function describeAnswers(name: string, start: () => Promise<TransportHarness>): void {
  describe(`the transport ${name} obeys answers`, () => {
    const { running, deliver } = harnessOf(start);
    const outcomeWhenFarSide = async (behaviour: FarSide): Promise<Outcome> => {
      await running().farSide(behaviour);
      return deliver();
    };

    it.each<[FarSide, Outcome['kind']]>([
      ['drops the connection', 'retry'],
      ['knows the target no more', 'gone'],
      ['finds the payload too large', 'rejected'],
      ['refuses our credentials', 'misconfigured'],
    ])('when the far side %s, the outcome is %s with a reason', async (behaviour, kind) => {
      const outcome = await outcomeWhenFarSide(behaviour);
      expect(outcome).toMatchObject({ kind, reason: expect.stringMatching(/./) as string });
    });

    it('and passes on how long a throttled delivery is to wait', async () => {
      const outcome = await outcomeWhenFarSide('throttles for two seconds');
      expect(outcome).toEqual({ kind: 'retry', reason: expect.any(String) as string, afterMs: 2000 });
    });

    it('and delivers again once the far side has recovered', async () => {
      await outcomeWhenFarSide('drops the connection');
      expect(await outcomeWhenFarSide('accepts')).toMatchObject({ kind: 'delivered' });
    });

    it('and delivers again once its credentials, which were revoked, are mended', async () => {
      expect(await deliver()).toMatchObject({ kind: 'delivered' });
      await running().revokeCredentials();
      const refused = { kind: 'misconfigured', reason: expect.stringMatching(/./) as string };
      expect([await deliver(), await deliver()]).toMatchObject([refused, refused]);
      await running().mendCredentials();
      expect(await deliver()).toMatchObject({ kind: 'delivered' });
    });

    it('and stops waiting for one when it is aborted', async () => {
      await running().farSide('hangs');
      const stop = new AbortController();
      const sent = deliver(stop.signal);
      stop.abort(new Error('stopping'));
      await expect(sent).rejects.toThrow('stopping');
    });
  });
}

function describeTimeOut(name: string, start: () => Promise<TransportHarness>): void {
  describe(`the transport ${name} does not wait for ever`, () => {
    const { running, deliver } = harnessOf(start);

    it('when the far side hangs: the outcome is retry with a reason', async () => {
      await running().farSide('hangs');
      expect(await deliver()).toMatchObject({ kind: 'retry', reason: expect.stringMatching(/./) as string });
    });
  });
}

/** A harness for each test of a block, and how to deliver with it. */
function harnessOf<Harness extends SendingHarness>(start: () => Promise<Harness>) {
  let harness: Harness;
  beforeEach(async () => {
    harness = await start();
  });
  afterEach(() => harness.close());
  return {
    running: () => harness,
    deliver: (signal = new AbortController().signal, attempt = 1): Promise<Outcome> =>
      harness.transport.deliver({ ...harness.delivery, attempt }, signal),
  };
}
