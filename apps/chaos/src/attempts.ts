import type { AppName, System } from '@pns/e2e';
import type { SubscribedTransport } from './subscribers';

/** An attempt that PNS repeats because it received no answer in time. The far side may have accepted it. */
export interface Unanswered {
  readonly stream: string;
  /** The notification. */
  readonly id: string;
  /** When the attempt ended, in ms since the epoch. */
  readonly at: number;
  readonly reason: string;
}

const noAnswer = /did not answer|connection to .* failed/i;

/** The attempts without an answer in the logs of the workers. */
export function unansweredAttempts(system: System, over: readonly SubscribedTransport[]): Unanswered[] {
  return over.flatMap((stream) =>
    attemptsOf(system, `worker-${stream}`, 'retry')
      .filter(({ reason }) => noAnswer.test(String(reason)))
      .map(({ notification, time, reason }) => {
        return { stream, id: String(notification), at: Number(time), reason: `no answer: ${String(reason)}` };
      }),
  );
}

/** The notifications to sockets that ended as expired, which the history of the user shows. */
export function expiredAtSockets(system: System): ReadonlySet<string> {
  const attempts = attemptsOf(system, 'worker-websocket', 'expired');
  return new Set(attempts.map(({ notification }) => String(notification)));
}

function attemptsOf(system: System, app: AppName, outcome: string): Record<string, unknown>[] {
  const attempts = system.all(app).flatMap((worker) => worker.logged('delivery.attempted'));
  return attempts.filter((attempt) => attempt['outcome'] === outcome);
}
