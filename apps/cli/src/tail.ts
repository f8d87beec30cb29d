import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { LRUCache } from 'lru-cache';
import { answerOf } from '@pns/client';
import { action, userOption, type UserOption } from './cli';

/** Time between two requests for the history, in ms. */
const lookMs = 1000;
/** A margin before the period of each request, in ms, because the history shows a milestone up to 2 s late, and clocks differ. */
const overlapMs = 10_000;
/** How many shown attempts are remembered: far more than the answers of two consecutive requests have in common. */
const rememberedAttempts = 10_000;

/** Adds `pns tail`. */
export function addTail(program: Command): void {
  program
    .command('tail')
    .summary("show a user's deliveries as they happen")
    .description('Shows each attempt to deliver a notification of a user as it happens, until Ctrl-C.')
    .requiredOption('--user <user@context>', 'the user', userOption)
    .option('--topic <topic>', 'one topic only')
    .addHelpText('after', '\nExample:\n  pns tail --user 14@1')
    .action(
      action<{ user: UserOption; topic?: string }>(async ({ client, output }, { user, topic }) => {
        const shown = new LRUCache<string, true>({ max: rememberedAttempts });
        const startedAt = Date.now();
        for (;;) {
          const since = new Date(Math.max(startedAt, Date.now() - 3_600_000) - overlapMs).toISOString();
          const query = { ...user, since, limit: 100, ...(topic !== undefined && { topic }) };
          const { items } = await answerOf(client.GET('/v1/notifications', { params: { query } }));
          const attempts = items.flatMap((notification) =>
            notification.deliveries.flatMap((delivery) =>
              delivery.attempts.map((attempt) => ({ notification, delivery, attempt })),
            ),
          );
          attempts.sort((one, other) => one.attempt.at.localeCompare(other.attempt.at));
          for (const { notification, delivery, attempt } of attempts) {
            const key = `${delivery.id} ${attempt.number}`;
            if (shown.has(key) || Date.parse(attempt.at) < startedAt) continue;
            shown.set(key, true);
            const fact = {
              notification: notification.id,
              topic: notification.topic,
              ...attempt,
              transport: delivery.transport,
              client: delivery.client,
            };
            output.show(fact, () =>
              output.line(
                [
                  attempt.at,
                  output.outcome(attempt.outcome),
                  delivery.transport,
                  delivery.client,
                  notification.topic,
                  attempt.reason ?? '',
                ]
                  .join('  ')
                  .trimEnd(),
              ),
            );
          }
          await pause(lookMs);
        }
      }),
    );
}
