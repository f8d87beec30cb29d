import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt } from '@pns/outcomes';
import type { Delivery, Transport } from '@pns/transport-contract';
import { bulkhead } from 'cockatiel';
import { isSpared } from './attempts';
import type { Checkpoint } from './checkpoint';
import { SenderDiedError, type IsolatedTransport } from './isolated-transport';

/** A job that was in progress when its process died this often is run with care, a few deliveries at a time. */
export const careAfterDeaths = 2;

/** A delivery that was being sent with care in this process when it died this often is not sent any more. */
const mostDeaths = 2;

/**
 * The same for the process that sends for a worker: once with others at most, and twice alone. One death says too little, because
 * the system or an operator may kill the process too.
 */
const mostSenderDeaths = 3;

/** How many deliveries that no process died of yet are sent together. */
const deliveriesPerStep = 10;

/** What kills a process does so within this time as a rule, in ms; later, other jobs need not wait any longer. */
const stepMs = 5000;

/** A process dies as a whole, so of all its jobs only one at a time sends what may be the cause. */
const steps = bulkhead(1, Number.MAX_SAFE_INTEGER);

type Settled = PromiseSettledResult<Attempt>;

/** Attempts deliveries together, over the worker's transport unless another one is given. */
export type Attempting = (some: readonly Delivery[], transport?: Transport) => Promise<Settled[]>;

/** What is left of a job whose worker died. */
interface Suspects {
  readonly deliveries: readonly Delivery[];
  readonly checkpoint: Checkpoint;
  readonly signal: AbortSignal;
  readonly attempt: Attempting;
}

/** Whether processes died so often while they sent a delivery with care that it is not sent any more. */
export function isDeadly(tries: number): boolean {
  return tries >= mostDeaths;
}

/** How a delivery ends that is not sent any more, because processes died of it. */
function givenUp(delivery: Delivery, deaths: number, last = ''): Settled {
  const reason = `the process that sent it died ${deaths} times, the last time while it sent only this delivery${last}`;
  const value: Attempt = { delivery, outcome: { kind: 'exhausted', reason }, startedAt: Date.now(), durationMs: 0 };
  return { status: 'fulfilled', value: { ...value, isUnsent: true } };
}

/**
 * The order in which deliveries are sent with care: those first of which no process died yet, some at a time, and then the others,
 * each alone. So a death accuses a few at first and a single one in the end.
 */
export function stepsOf(deliveries: readonly Delivery[], triesOf: (id: string) => number): Delivery[][] {
  const others = deliveries.filter(({ id }) => triesOf(id) > 0);
  const innocent = deliveries.filter(({ id }) => triesOf(id) === 0);
  const together: Delivery[][] = [];
  for (let at = 0; at < innocent.length; at += deliveriesPerStep) {
    together.push(innocent.slice(at, at + deliveriesPerStep));
  }
  return [...together, ...others.sort((a, b) => triesOf(a.id) - triesOf(b.id)).map((each) => [each])];
}

/**
 * Sends a few deliveries at a time, and gives up those that a process died of: in another process where there is one, else in this
 * one. A transport that holds its targets itself, as the websocket transport holds its sockets, has no other process.
 */
export function attemptWithCare(suspects: Suspects, isolated: IsolatedTransport | undefined): Promise<Settled[]> {
  return isolated === undefined ? attemptHere(suspects) : attemptIsolated(suspects, isolated);
}

async function attemptHere({ deliveries, checkpoint, signal, attempt }: Suspects): Promise<Settled[]> {
  const deadly = deliveries.filter(({ id }) => isDeadly(checkpoint.triesOf(id)));
  const settled = deadly.map((delivery) => givenUp(delivery, careAfterDeaths + mostDeaths));
  const others = deliveries.filter((delivery) => !deadly.includes(delivery));
  for (const step of stepsOf(others, (id) => checkpoint.triesOf(id))) {
    if (signal.aborted) return [...settled, { status: 'rejected', reason: signal.reason as unknown }];
    const ended = await withCare(
      () => checkpoint.begin(step.map(({ id }) => id)),
      () => attempt(step),
    );
    checkpoint.survive();
    checkpoint.keep(attemptsIn(ended));
    settled.push(...ended);
  }
  return settled;
}

/** Deaths of this process accuse no delivery here: any deployment causes them, and the next worker begins again. */
async function attemptIsolated(
  { deliveries, checkpoint, signal, attempt }: Suspects,
  isolated: IsolatedTransport,
): Promise<Settled[]> {
  const settled: Settled[] = [];
  const deaths = new Map<string, number>();
  const deathsOf = (id: string): number => deaths.get(id) ?? 0;
  const endOf = (delivery: Delivery, { message }: SenderDiedError): Settled | undefined => {
    const count = deathsOf(delivery.id) + 1;
    deaths.set(delivery.id, count);
    return count < mostSenderDeaths ? undefined : givenUp(delivery, careAfterDeaths + count, `: ${message}`);
  };
  const round = async (open: readonly Delivery[]): Promise<readonly Delivery[]> => {
    const accused: Delivery[] = [];
    for (const step of stepsOf(open, deathsOf)) {
      const ended = await isolated.step(signal, () => attempt(step, isolated));
      checkpoint.keep(attemptsIn(ended));
      for (const [index, delivery] of step.entries()) {
        const each = ended[index];
        const end = each && isDeath(each) ? endOf(delivery, each.reason) : each;
        if (end === undefined) accused.push(delivery);
        else settled.push(end);
      }
      // This worker lost the job, or has no process to send with: the job is run again.
      if (settled.some(({ status }) => status === 'rejected')) return [];
    }
    return accused;
  };
  return isolated.during(async () => {
    for (let open = deliveries; open.length > 0;) open = await round(open);
    return settled;
  });
}

function isDeath(each: Settled): each is { status: 'rejected'; reason: SenderDiedError } {
  return each.status === 'rejected' && each.reason instanceof SenderDiedError;
}

/** The attempts that must not be made again. */
function attemptsIn(settled: readonly Settled[]): Attempt[] {
  return settled.flatMap((each) => (each.status === 'fulfilled' && !isSpared(each.value) ? [each.value] : []));
}

/** What `attempts` come to, which begin when no other job of this process sends anything with care, after `begin`. */
export async function withCare<Result>(begin: () => Promise<void>, attempts: () => Promise<Result>): Promise<Result> {
  let results: Promise<Result> | undefined;
  await steps.execute(async () => {
    await begin();
    results = attempts();
    await Promise.race([results, sleep(stepMs, undefined, { ref: false })]);
  });
  return results as Promise<Result>;
}
