import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { answerOf, ProblemError, type components, type PnsClient } from '@pns/client';
import { action, CommandFailed, numberOption, userOption, type UserOption } from './cli';
import type { Output, Row } from './output';

type History = components['schemas']['NamedNotification'];
type Delivery = History['deliveries'][number];

/** Time between two requests for the history, in ms. The history shows a milestone up to 2 s after it happened. */
const lookMs = 500;

/** Outcomes of a delivery that has not ended. */
const openOutcomes: ReadonlySet<string> = new Set(['waiting', 'retry', 'deferred', 'moved']);

/** Outcomes of a delivery that reached its target, or that PNS did not send on purpose. */
const doneOutcomes: ReadonlySet<string> = new Set(['delivered', 'suppressed']);

/** Adds `pns where`. */
export function addWhere(program: Command): void {
  program
    .command('where <id>')
    .summary('show the outcome of a notification')
    .description(
      'Shows the history of a notification, by the id of PNS or of the producer: every delivery with its attempts.',
    )
    .option(
      '--user <user@context>',
      'the user of the notification; needed if several users have one with this id',
      userOption,
    )
    .option(
      '--wait [seconds]',
      `wait until every delivery has ended, at most this many seconds; default: ${usualWaitSeconds}`,
      numberOption,
    )
    .addHelpText('after', '\nExample:\n  pns where mail-113 --user 14@1')
    .action(
      action<{ user?: UserOption; wait?: Wait }>(async ({ client, output }, { user, wait }, id = '') => {
        showHistory(output, await historyOf(client, id, user, wait), wait);
      }),
    );
}

function requested(client: PnsClient, id: string, user?: UserOption) {
  return client.GET('/v1/notifications/{id}', { params: { path: { id }, query: { ...user } } });
}

/** How long `--wait` without a number waits, in seconds. Retries may go on for up to a day. */
export const usualWaitSeconds = 10;

/** Value of `--wait [seconds]`; true if no number is given. */
export type Wait = number | true | undefined;

/** Returns the history of a notification; with `wait`, only after each of its deliveries has ended or the time is over. */
export async function historyOf(
  client: PnsClient,
  id: string,
  user: UserOption | undefined,
  wait: Wait,
): Promise<History> {
  const seconds = wait === true ? usualWaitSeconds : (wait ?? 0);
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const isLast = Date.now() >= deadline;
    const history = await answerOf(requested(client, id, user)).catch((error: unknown) => {
      if (error instanceof ProblemError && error.problem.status === 404 && !isLast) return undefined;
      throw error;
    });
    if (history !== undefined && (isLast || hasEnded(history))) return history;
    await pause(lookMs);
  }
}

function hasEnded({ dispatched, joinedInto, deliveries }: History): boolean {
  if (joinedInto !== undefined) return true;
  return dispatched !== undefined && deliveries.every(({ outcome }) => !openOutcomes.has(outcome));
}

/**
 * Shows a history.
 *
 * @throws CommandFailed when `wait` asks for the outcomes, and one of them is missing or a failure
 */
export function showHistory(output: Output, history: History, wait: Wait): void {
  writeHistory(output, history);
  if (wait === undefined) return;
  if (!hasEnded(history)) throw new CommandFailed('The time to wait is over, and not every delivery has ended.');
  const failed = history.deliveries.filter(({ outcome }) => !doneOutcomes.has(outcome));
  if (failed.length > 0) throw new CommandFailed(`${failed.length} of ${history.deliveries.length} deliveries failed.`);
}

function writeHistory(output: Output, history: History): void {
  output.show(history, () => {
    output.line(output.styled('bold', history.sentence));
    const milestones = [
      ['received', history.received],
      ['aggregated', history.aggregated],
      ['dispatched', history.dispatched],
    ].filter(([, at]) => at !== undefined);
    output.line(milestones.map(([name, at]) => `${name} ${at}`).join('  '));
    if (history.joinedInto !== undefined) return output.line(`joined into ${history.joinedInto}`);
    output.line();
    output.table(history.deliveries.flatMap(rowsOf), 'No delivery was made.');
  });
}

function rowsOf({ transport, client, outcome, reason, nextAttempt, attempts }: Delivery): Row[] {
  const target = { transport, client };
  const last = { attempt: '', at: nextAttempt === undefined ? '' : `next at ${nextAttempt}`, ms: '', outcome, reason };
  if (attempts.length === 0) return [{ ...target, ...last }];
  return attempts.map(({ number, at, durationMs, outcome: each, reason: why, providerId }) => ({
    ...target,
    attempt: number,
    at,
    ms: durationMs,
    outcome: each,
    reason: why ?? providerId,
  }));
}
