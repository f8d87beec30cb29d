import type { Command } from 'commander';
import { answerOf, type components } from '@pns/client';
import { action, CommandFailed, numberOption, userOption, type UserOption } from './cli';
import { jsonObjectText, withMember, type JsonObjectText } from './json-text';
import { historyOf, showHistory, usualWaitSeconds, type Wait } from './where';

type Entry = components['schemas']['NotificationEntry'];

interface SendOptions {
  readonly to: UserOption;
  readonly topic: string;
  readonly payload?: JsonObjectText;
  readonly priority?: Entry['priority'];
  readonly ttl?: number;
  readonly id?: string;
  readonly wait?: Wait;
}

const sample = {
  folder: 'default0/INBOX',
  email: 'jane.doe@example.com',
  subject: 'Hello from pns send',
  unread: 1,
};
const samplePayload: JsonObjectText = { value: sample, text: JSON.stringify(sample) };

/** Adds `pns send`. */
export function addSend(program: Command): void {
  program
    .command('send')
    .summary('post a notification')
    .description('Posts one notification for a user. Without a payload it is a sample of a new mail.')
    .requiredOption('--to <user@context>', 'the user who is notified', userOption)
    .option('--topic <topic>', 'the topic', 'ox:mail:new')
    .option('--payload <json>', 'a JSON object, @file or - for standard input', jsonObjectText)
    .option('--priority <priority>', 'high, medium or low')
    .option('--ttl <seconds>', 'the time to live, in seconds', numberOption)
    .option('--id <id>', 'the id of the notification; a repeat with the same id is not sent again')
    .option(
      '--wait [seconds]',
      `wait for the outcome of every delivery, at most this many seconds; default: ${usualWaitSeconds}`,
      numberOption,
    )
    .addHelpText('after', '\nExample:\n  pns send --to 14@1 --wait')
    .action(
      action<SendOptions>(
        async ({ client, output }, { to, topic, payload = samplePayload, priority, ttl, id, wait }) => {
          const body = {
            ...to,
            topic,
            payload: payload.value,
            ...(priority !== undefined && { priority }),
            ...(ttl !== undefined && { ttlSeconds: ttl }),
            ...(id !== undefined && { id }),
          };
          const bodySerializer = () => withMember({ ...body, payload: undefined }, 'payload', payload.text);
          const answer = await answerOf(client.POST('/v1/notifications', { body, bodySerializer }));
          const [posted] = answer.notifications;
          if (wait !== undefined && posted !== undefined) {
            return showHistory(output, await historyOf(client, posted.id, to, wait), wait);
          }
          const rows = posted === undefined ? [] : [{ id: posted.id, status: posted.status }];
          output.show(answer, () => output.table(rows, 'Nothing was accepted.'));
          if (posted === undefined) throw new CommandFailed();
        },
      ),
    );
}
