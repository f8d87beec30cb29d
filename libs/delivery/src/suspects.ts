import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt } from '@pns/outcomes';
import type { Delivery, Transport, TransportName } from '@pns/transport-contract';
import { bulkhead } from 'cockatiel';
import { attemptsAmong, isDeferred } from './attempts';
import type { Checkpoint } from './checkpoint';
import { IsolatedTransport, SenderDiedError } from './isolated-transport';

/** After this many deaths of its process, a job sends only a few deliveries at a time, to find the delivery that kills the process. */
export const suspectAfterDeaths = 2;

/** A delivery is not sent again after this many deaths of the process that sent it in a small step. */
const maxDeaths = 2;

/**
 * A delivery is not sent again after this many deaths of the isolated process: at most one while the process sent several
 * deliveries, and two while it sent only this delivery. One death proves nothing, because the system or an operator may also kill
 * the process.
 */
const maxSenderDeaths = 3;

/** How many deliveries are sent together in a step, if no process has died while it sent them. */
const deliveriesPerStep = 10;

/**
 * How many steps of different jobs may run at once in the process for deliveries without a death. If that process dies, one death
 * is counted for each delivery of these steps.
 */
const stepsAtOnce = 10;

/** A delivery that kills a process usually does so within this time, in ms. Other jobs wait no longer than this for a step. */
const stepMs = 5000;

/** All jobs of a process die with it. So if suspect deliveries are sent in this process, only one job at a time begins a step. */
const steps = bulkhead(1, Number.MAX_SAFE_INTEGER);

type Settled = PromiseSettledResult<Attempt>;

/** Attempts several deliveries at once through `transport`, by default the worker's transport. */
export type Attempting = (some: readonly Delivery[], transport?: Transport) => Promise<Settled[]>;

/** The unfinished deliveries of a job whose worker died. */
interface Suspects {
  readonly deliveries: readonly Delivery[];
  readonly checkpoint: Checkpoint;
  readonly signal: AbortSignal;
  readonly attempt: Attempting;
}

/** Whether a delivery must not be sent again after `tries` deaths. */
export function isPoison(tries: number): boolean {
  return tries >= maxDeaths;
}

/** The outcome of a delivery that is not sent again because processes died while they sent it. */
function endedByDeaths(delivery: Delivery, deaths: number, last = ''): Settled {
  const reason = `the process that sent it died ${deaths} times, the last time while it sent only this delivery${last}`;
  const value: Attempt = { delivery, outcome: { kind: 'exhausted', reason }, startedAt: Date.now(), durationMs: 0 };
  return { status: 'fulfilled', value: { ...value, isUnsent: true } };
}

/**
 * Divides suspect deliveries into steps, in the order of sending: first deliveries without a death, several in a step, then
 * deliveries with deaths, one in a step. So the first death concerns a few deliveries, and a later death only a single delivery.
 */
export function stepsOf(deliveries: readonly Delivery[], triesOf: (id: string) => number): Delivery[][] {
  const others = deliveries.filter(({ id }) => triesOf(id) > 0);
  const withoutDeath = deliveries.filter(({ id }) => triesOf(id) === 0);
  const together: Delivery[][] = [];
  for (let at = 0; at < withoutDeath.length; at += deliveriesPerStep) {
    together.push(withoutDeath.slice(at, at + deliveriesPerStep));
  }
  return [...together, ...others.sort((a, b) => triesOf(a.id) - triesOf(b.id)).map((each) => [each])];
}

/** The two processes that send suspect deliveries for a worker: several steps at once, or only one. */
export interface IsolatedTransports {
  /** Sends deliveries without a death, several steps at once, so that jobs of a killed worker need not wait for each other. */
  readonly together: IsolatedTransport;
  /** Sends deliveries with a death, one step at a time. */
  readonly alone: IsolatedTransport;
}

/** Creates the isolated transports that run `entry`, the script of the worker app; undefined without a script. */
export function isolatedTransports(name: TransportName, entry: string | undefined): IsolatedTransports | undefined {
  if (entry === undefined) return undefined;
  return {
    together: new IsolatedTransport(name, entry, stepsAtOnce),
    alone: new IsolatedTransport(name, entry, 1),
  };
}

/**
 * Sends a few deliveries at a time. A delivery that kills its process gets the outcome `exhausted`. The deliveries are sent in
 * isolated processes if `isolated` is present, otherwise in this process. The websocket transport has no isolated processes,
 * because its sockets belong to this process.
 */
export function attemptSuspects(suspects: Suspects, isolated: IsolatedTransports | undefined): Promise<Settled[]> {
  return isolated === undefined ? attemptInProcess(suspects) : attemptIsolated(suspects, isolated);
}

async function attemptInProcess({ deliveries, checkpoint, signal, attempt }: Suspects): Promise<Settled[]> {
  const poison = deliveries.filter(({ id }) => isPoison(checkpoint.triesOf(id)));
  const settled = poison.map((delivery) => endedByDeaths(delivery, suspectAfterDeaths + maxDeaths));
  const others = deliveries.filter((delivery) => !poison.includes(delivery));
  for (const step of stepsOf(others, (id) => checkpoint.triesOf(id))) {
    if (signal.aborted) return [...settled, { status: 'rejected', reason: signal.reason as unknown }];
    const ended = await runStep(
      () => checkpoint.begin(step.map(({ id }) => id)),
      () => attempt(step),
    );
    checkpoint.survive();
    checkpoint.keep(attemptsIn(ended));
    settled.push(...ended);
  }
  return settled;
}

/**
 * Sends suspect deliveries in isolated processes, and counts only deaths of these processes. This process may also end because of
 * a deployment; then the next worker begins to count at 0.
 */
async function attemptIsolated(
  { deliveries, checkpoint, signal, attempt }: Suspects,
  { together, alone }: IsolatedTransports,
): Promise<Settled[]> {
  const settled: Settled[] = [];
  const deaths = new Map<string, number>();
  const deathsOf = (id: string): number => deaths.get(id) ?? 0;
  const endOf = (delivery: Delivery, { message }: SenderDiedError): Settled | undefined => {
    const count = deathsOf(delivery.id) + 1;
    deaths.set(delivery.id, count);
    return count < maxSenderDeaths ? undefined : endedByDeaths(delivery, suspectAfterDeaths + count, `: ${message}`);
  };
  const round = async (open: readonly Delivery[]): Promise<readonly Delivery[]> => {
    const suspected: Delivery[] = [];
    for (const step of stepsOf(open, deathsOf)) {
      const isolated = step.some(({ id }) => deathsOf(id) > 0) ? alone : together;
      const ended = await isolated.step(signal, () => attempt(step, isolated));
      checkpoint.keep(attemptsIn(ended));
      for (const [index, delivery] of step.entries()) {
        const each = ended[index];
        const end = each && isDeath(each) ? endOf(delivery, each.reason) : each;
        if (end === undefined) suspected.push(delivery);
        else settled.push(end);
      }
      // This worker lost the job, or the isolated process could not be started: the job runs again.
      if (settled.some(({ status }) => status === 'rejected')) return [];
    }
    return suspected;
  };
  const all = async (): Promise<Settled[]> => {
    for (let open = deliveries; open.length > 0;) open = await round(open);
    return settled;
  };
  return together.during(() => alone.during(all));
}

function isDeath(each: Settled): each is { status: 'rejected'; reason: SenderDiedError } {
  return each.status === 'rejected' && each.reason instanceof SenderDiedError;
}

/** The attempts that must not be made again. */
function attemptsIn(settled: readonly Settled[]): Attempt[] {
  return attemptsAmong(settled).filter((attempt) => !isDeferred(attempt));
}

/** Runs `begin` and then `attempts` once no other job of this process sends suspect deliveries; returns the result of `attempts`. */
export async function runStep<Result>(begin: () => Promise<void>, attempts: () => Promise<Result>): Promise<Result> {
  let results: Promise<Result> | undefined;
  await steps.execute(async () => {
    await begin();
    results = attempts();
    await Promise.race([results, sleep(stepMs, undefined, { ref: false })]);
  });
  return results as Promise<Result>;
}
