import type { INestApplicationContext } from '@nestjs/common';
import { log } from '@pns/runtime';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { deliveryStage, send } from './testing/delivery-stage';
import { FarSide } from './testing/far-side';

log.level = 'silent';

const { worker, close, delivery } = deliveryStage();

const delivered: Outcome = { kind: 'delivered' };
const throttled: Outcome = { kind: 'retry', reason: 'HTTP 429', afterMs: 3_600_000 };

/** An endpoint that holds its answers to the client `held` until `answerOne` or `release`, and answers other clients at once. */
class HeldFarSide extends FarSide {
  private held: ((outcome: Outcome) => void)[] = [];
  private answersAtOnce = false;
  private answered = 0;

  constructor(most: number, held = 'hangs') {
    super(({ client }, signal) => (client === held && !this.answersAtOnce ? this.holding(signal) : delivered));
    this.capacity = () => most;
  }

  get inFlight(): number {
    return this.came.length - this.answered;
  }

  /** Answers the delivery that has been in flight for longest. */
  answerOne(outcome: Outcome = delivered): void {
    this.answered++;
    this.held.shift()?.(outcome);
  }

  /** Answers all deliveries in flight, and later ones at once. */
  release(): void {
    this.answersAtOnce = true;
    while (this.inFlight > 0) this.answerOne();
  }

  private holding(signal: AbortSignal): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.held.push(resolve);
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  }
}

/** Resolves when the endpoint has this many deliveries in flight, and fails when it gets more. */
async function inFlight(far: HeldFarSide, expected: number): Promise<void> {
  await far.until(() => far.inFlight >= expected);
  expect(far.inFlight).toBe(expected);
}

/** Deliveries of one client, each for a separate job. */
function burst(count: number, client = 'hangs'): Delivery[] {
  return Array.from({ length: count }, (_, user) => delivery({ id: `${client}-${user}`, client, user }));
}

const endpoint = 'https://slow.example';

async function sendEach(app: INestApplicationContext, deliveries: readonly Delivery[]): Promise<void> {
  for (const each of deliveries) await send(app, [each], endpoint);
}

const idsOf = (came: readonly Delivery[]): string[] => came.map(({ id }) => id).sort();
const isFrom =
  (client: string) =>
  (came: readonly Delivery[]): boolean =>
    came.some((each) => each.client === client);

describe('a slow endpoint', () => {
  it('has as many deliveries in flight as its connections carry, even with one delivery in each job, and never more', async () => {
    const far = new HeldFarSide(80);
    const app = await worker(far);
    await sendEach(app, burst(400));
    await inFlight(far, 20);
    // Each answer raises the limit by one.
    for (let expected = 21; expected <= 80; expected++) {
      far.answerOne();
      await inFlight(far, expected);
    }
    for (let answers = 0; answers < 100; answers++) {
      far.answerOne();
      await inFlight(far, 80);
    }
    far.release();
    await far.until((came) => came.length === 400);
    expect(new Set(idsOf(far.came)).size).toBe(400);
  });

  it('has a few in flight once it throttles, and slowly more as answers come', async () => {
    const far = new HeldFarSide(64);
    const app = await worker(far);
    await sendEach(app, burst(400));
    await inFlight(far, 16);
    for (let expected = 17; expected <= 64; expected++) {
      far.answerOne();
      await inFlight(far, expected);
    }
    const sent = far.came.length;
    for (let left = 64; left > 0; left--) far.answerOne(throttled);
    await far.until((came) => came.length === sent + 10);
    for (let answers = 1; answers <= 40; answers++) {
      far.answerOne();
      await inFlight(far, 10 + Math.floor(answers / 8));
    }
    far.release();
    await far.until((came) => came.length === 400);
  });

  it.each([1, 8])('does not delay another one of the same queues while it hangs, with %i shards', async (shards) => {
    const far = new HeldFarSide(1);
    const app = await worker(far, { shards });
    const endpoints = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
    const jobs = burst(200);
    await Promise.all(jobs.map((each, job) => send(app, [each], `https://${endpoints[job % 10]}.example`)));
    await far.until((came) => came.length === 10);
    await send(app, burst(1, 'quick'), 'https://quick.example');
    await far.until(isFrom('quick'));
    far.release();
    await far.until((came) => came.length === 201);
    expect(new Set(idsOf(far.came)).size).toBe(201);
  });

  it('does not delay another endpoint with its burst', async () => {
    const far = new HeldFarSide(1);
    const app = await worker(far);
    const jobs = burst(1000);
    await sendEach(app, jobs);
    await send(app, burst(1, 'quick'), 'https://quick.example');
    await far.until(isFrom('quick'));
    expect(far.came).toHaveLength(2);
    far.release();
    await far.until((came) => came.length === 1001);
    expect(new Set(idsOf(far.came)).size).toBe(1001);
  });

  it('gets deferred deliveries before later ones', async () => {
    const far = new HeldFarSide(16);
    const app = await worker(far);
    const jobs = burst(300);
    const at = new Map(jobs.map(({ id }, index) => [id, index]));
    await sendEach(app, jobs);
    while (far.came.length < 300) {
      await far.until(() => far.inFlight > 0);
      far.answerOne();
    }
    far.release();
    const late = far.came.slice(0, 150).filter(({ id }) => Number(at.get(id)) >= 225);
    expect(late).toEqual([]);
  });

  it('gets each delivery once from two processes', async () => {
    const far = new FarSide(() => new Promise((resolve) => setImmediate(() => resolve(delivered))));
    far.capacity = () => 4;
    const apps = await Promise.all([worker(far), worker(far)]);
    await Promise.all(burst(500).map((each, job) => send(apps[job % 2] ?? apps[0], [each], endpoint)));
    await far.until((came) => new Set(idsOf(came)).size === 500);
    await Promise.all(apps.map(close));
    expect(far.came).toHaveLength(500);
  });

  it('gets the rest from another process when one stops, and no delivery twice', async () => {
    const far = new HeldFarSide(1);
    const first = await worker(far);
    const jobs = burst(260); // most wait in the process, and some are deferred
    await sendEach(first, jobs);
    await far.until((came) => came.length === 1);
    const closed = close(first);
    await worker(far);
    await far.until((came) => came.length === 2);
    far.release();
    await closed;
    await far.until((came) => came.length === 260);
    expect(idsOf(far.came)).toEqual(idsOf(jobs));
  });
});
