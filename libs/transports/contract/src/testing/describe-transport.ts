import type { Delivery } from '../delivery';
import type { Outcome } from '../outcome';
import type { Transport } from '../transport';

/** The provider's reaction to the next requests. */
export type Behaviour =
  | 'accepts'
  | 'hangs'
  | 'drops the connection'
  | 'throttles for two seconds'
  | 'has removed the target'
  | 'finds the payload too large'
  | 'refuses our credentials';

/** Each behaviour as a fault of the sandbox, for providers that report errors by the status of the answer. */
export const faultsByStatus = {
  accepts: {},
  hangs: { hang: true },
  'drops the connection': { reset: true },
  'throttles for two seconds': { status: 429, headers: { 'retry-after': '2' } },
  'has removed the target': { status: 410 },
  'finds the payload too large': { status: 413 },
  'refuses our credentials': { status: 403 },
} as const satisfies Record<Behaviour, object>;

/** A transport that is connected to a realistic provider: the sandbox or real clients, never a mock of our own classes. */
interface SendingHarness {
  readonly transport: Transport;
  readonly delivery: Delivery;
  /** The idempotency ids of the requests that the provider received, in order. */
  arrivedIds(): string[] | Promise<string[]>;
  close(): void | Promise<void>;
}

/** A harness whose provider answers and checks credentials. */
interface TransportHarness extends SendingHarness {
  behave(behaviour: Behaviour): void | Promise<void>;
  /** Makes the provider refuse the current credentials. */
  revokeCredentials(): void | Promise<void>;
  /** Gives the transport valid credentials, as an operator does by changing its options. */
  mendCredentials(): void | Promise<void>;
}

/** Starts a transport with the time-out `answerMs`. */
type Start = (answerMs: number) => Promise<TransportHarness>;

/** A time-out for tests, in ms. Answers may be slow on a busy machine, so only tests of the time-out use a shorter one. */
export const patientMs = 25_000;

/** Tests the contract between a transport and the delivery stage. `start` is called for each test. */
export function describeTransport(name: string, start: Start): void {
  describeSending(name, () => start(patientMs));
  describeAnswers(name, () => start(patientMs));
  describeTimeOut(name, () => start(500));
}

/** Tests the part of the contract that also applies to transports without answers. */
export function describeSending(name: string, start: () => Promise<SendingHarness>): void {
  describe(`the transport ${name} sends`, () => {
    const { running, deliver } = harnessOf(start);

    it('under the transport name of its deliveries', () => {
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
    const outcomeWhen = async (behaviour: Behaviour): Promise<Outcome> => {
      await running().behave(behaviour);
      return deliver();
    };

    it.each<[Behaviour, Outcome['kind']]>([
      ['drops the connection', 'retry'],
      ['has removed the target', 'gone'],
      ['finds the payload too large', 'rejected'],
      ['refuses our credentials', 'misconfigured'],
    ])('when the provider %s, the outcome is %s with a reason', async (behaviour, kind) => {
      const outcome = await outcomeWhen(behaviour);
      expect(outcome).toMatchObject({ kind, reason: expect.stringMatching(/./) as string });
    });

    it('and returns how long a throttled delivery must wait', async () => {
      const outcome = await outcomeWhen('throttles for two seconds');
      expect(outcome).toMatchObject({ kind: 'retry', reason: expect.any(String) as string, afterMs: 2000 });
    });

    it('and delivers again once the provider has recovered', async () => {
      await outcomeWhen('drops the connection');
      expect(await outcomeWhen('accepts')).toMatchObject({ kind: 'delivered' });
    });

    it('and delivers again after its revoked credentials were replaced', async () => {
      expect(await deliver()).toMatchObject({ kind: 'delivered' });
      await running().revokeCredentials();
      const refused = { kind: 'misconfigured', reason: expect.stringMatching(/./) as string };
      expect([await deliver(), await deliver()]).toMatchObject([refused, refused]);
      await running().mendCredentials();
      expect(await deliver()).toMatchObject({ kind: 'delivered' });
    });

    it('and stops waiting for one when it is aborted', async () => {
      await running().behave('hangs');
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

    it('when the provider hangs: the outcome is retry with a reason', async () => {
      await running().behave('hangs');
      expect(await deliver()).toMatchObject({ kind: 'retry', reason: expect.stringMatching(/./) as string });
    });
  });
}

/** Starts a harness for each test of a block; returns functions that get the harness and deliver with it. */
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
