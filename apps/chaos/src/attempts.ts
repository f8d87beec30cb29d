import type { AppName, System } from '@pns/e2e';
import type { Doubled } from './ledger';
import type { SubscribedTransport } from './subscribers';

/** An attempt that PNS repeats because it received no answer in time. The far side may have accepted it. */
export interface Unanswered {
  readonly stream: string;
  /** The id of the notification. */
  readonly id: string;
  /** When the attempt ended, in ms since the epoch. */
  readonly at: number;
  readonly reason: string;
}

const noAnswer = /did not answer|connection to .* failed/i;

/** Returns the attempts that ended without an answer, from the logs of the workers. */
export function unansweredAttempts(system: System, over: readonly SubscribedTransport[]): Unanswered[] {
  return over.flatMap((stream) =>
    attemptsOf(system, `worker-${stream}`, 'retry')
      .filter(({ reason }) => noAnswer.test(String(reason)))
      .map(({ notification, time, reason }) => {
        return { stream, id: String(notification), at: Number(time), reason: `no answer: ${String(reason)}` };
      }),
  );
}

/** Returns the ids of the notifications whose delivery to a socket expired. The history of the user shows them. */
export function expiredAtSockets(system: System): ReadonlySet<string> {
  const attempts = attemptsOf(system, 'worker-websocket', 'expired');
  return new Set(attempts.map(({ notification }) => String(notification)));
}

/** Returns the times at which the workers logged the ends of a notification's attempts in a stream, in ms since the epoch. */
export type EndsOf = (stream: string, id: string) => readonly number[];

/** Reads the ends of all attempts from the logs of the workers. A worker logs an attempt on recording it, before its job ends. */
export function loggedEnds(system: System, streams: readonly string[]): EndsOf {
  const ends = new Map<string, number[]>();
  const note = (stream: string, id: unknown, time: unknown): void => {
    const key = `${stream} ${String(id)}`;
    ends.set(key, [...(ends.get(key) ?? []), Number(time)]);
  };
  for (const stream of streams) {
    for (const worker of system.all(`worker-${stream}` as AppName)) {
      for (const line of worker.logged('delivery.attempted')) note(stream, line['notification'], line['time']);
      for (const line of worker.logged('deliveries.delivered')) {
        for (const id of line['notifications'] as readonly unknown[]) note(stream, id, line['time']);
      }
    }
  }
  return (stream, id) => ends.get(`${stream} ${id}`) ?? [];
}

/** The events that can show why a job ran twice. */
const events = /"event":"(job\.|queue\.|redis\.|delivery\.|process\.|app\.|config\.)/;

/** Lines are returned from this long before the first arrival to this long after the second, in ms. */
const aroundMs = 2000;

/** Returns log lines of the stream's workers about a repeated delivery: lines with its id, and other faults of this time. */
export function linesAbout(system: System, stream: string, { id, first, at }: Doubled): string[] {
  return system.all(`worker-${stream}` as AppName).flatMap(({ child, output }) =>
    output
      .split('\n')
      .filter((line) => {
        const time = Number(/"time":(\d+)/.exec(line)?.[1]);
        const isThen = time >= first - aroundMs && time <= at + aroundMs;
        return line.includes(`"${id}"`) || (isThen && events.test(line) && !line.includes('"delivery.attempted"'));
      })
      .map((line) => `  process ${child.pid}: ${line}`),
  );
}

function attemptsOf(system: System, app: AppName, outcome: string): Record<string, unknown>[] {
  const attempts = system.all(app).flatMap((worker) => worker.logged('delivery.attempted'));
  return attempts.filter((attempt) => attempt['outcome'] === outcome);
}
