import type { Command } from 'commander';
import { answerOf } from '@pns/client';
import { action, userOption, type UserOption } from './cli';

interface ExplainOptions {
  readonly user: UserOption;
  readonly topic: string;
  readonly client?: string;
  readonly transport?: never;
}

/** Adds `pns explain`. */
export function addExplain(program: Command): void {
  program
    .command('explain')
    .summary('show who would receive a notification, and why')
    .description('Shows which clients of a user would receive a notification, and which property decided it.')
    .requiredOption('--user <user@context>', 'the user', userOption)
    .option('--topic <topic>', 'the topic', 'ox:mail:new')
    .option('--client <client>', 'only this client, with every place that was searched')
    .option('--transport <transport>', 'the transport of the client')
    .addHelpText('after', '\nExample:\n  pns explain --user 14@1 --topic ox:mail:new')
    .action(
      action<ExplainOptions>(async ({ client: api, output }, { user, topic, client, transport }) => {
        const query = {
          ...user,
          topic,
          ...(client !== undefined && { client }),
          ...(transport !== undefined && { transport }),
        };
        const answer = await answerOf(api.GET('/v1/config/explain', { params: { query } }));
        output.show(answer, () => {
          output.line(output.styled('bold', answer.sentence));
          output.line();
          if ('targets' in answer) {
            const rows = answer.targets.map((target) => ({
              client: target.client,
              transport: target.transport,
              receives: target.isReached ? 'yes' : 'no',
              why: target.sentence,
            }));
            return output.table(rows, 'This user has no subscription and no open socket.');
          }
          const rows = answer.places.map(({ name, origin, text, isOverruled }) => ({
            property: name,
            scope: [origin.scope, origin.id].filter((part) => part !== undefined).join(' '),
            value: text ?? '',
            note: isOverruled ? 'overruled by a final value' : '',
          }));
          output.table(rows, 'No property was searched.');
        });
      }),
    );
}
