import type { Command } from 'commander';
import { answerOf, pages, type components } from '@pns/client';
import { action, CommandFailed, numberOption, userOption, type UserOption } from './cli';
import { UsageError } from './env';

type Filter = Omit<components['schemas']['DeliveryRetry'], 'ids'>;

interface FilterOptions {
  readonly user?: UserOption;
  readonly context?: number;
  readonly client?: string;
  readonly transport?: NonNullable<Filter['transport']>;
  readonly topic?: string;
  readonly outcome?: NonNullable<Filter['outcome']>;
}

/** Adds `pns failed`. */
export function addFailed(program: Command): void {
  const failed = program
    .command('failed')
    .summary('list, retry and delete failed deliveries')
    .description('Deliveries that failed and get no more attempts.');
  filtered(failed.command('list').description('Lists failed deliveries, oldest first.'))
    .option('--limit <number>', 'at most this many', numberOption, 100)
    .addHelpText('after', '\nExample:\n  pns failed list --outcome misconfigured')
    .action(
      action<FilterOptions & { limit: number }>(async ({ client, output }, { limit, ...options }) => {
        const items: components['schemas']['DeliveryList']['items'] = [];
        const filter = filterOf(options);
        const list = (cursor?: string) =>
          client.GET('/v1/deliveries', {
            params: { query: { ...filter, limit: Math.min(limit, 500), ...(cursor !== undefined && { cursor }) } },
          });
        for await (const item of pages(list)) {
          if (items.push(item) >= limit) break;
        }
        output.show({ items }, () => {
          const rows = items.map(({ id, context, user, client: to, transport, topic, outcome, reason, failedAt }) => ({
            id,
            user: `${user}@${context}`,
            client: to,
            transport,
            topic,
            outcome,
            reason,
            'failed at': failedAt,
          }));
          output.table(rows, 'No delivery failed.');
        });
      }),
    );
  filtered(
    failed
      .command('retry [ids...]')
      .description('Sends failed deliveries again: those with these ids, or all that match the filter.'),
  )
    .addHelpText('after', '\nExample:\n  pns failed retry --client crm --outcome exhausted')
    .action(
      action<FilterOptions>(async ({ client, output }, options, ...ids) => {
        const filter = chosen(ids, options);
        const retried = await inTotal(async (more) => {
          const answer = await answerOf(client.POST('/v1/deliveries/retry', { body: { ...filter, ...more } }));
          return { ...answer, handled: answer.retried };
        });
        output.show({ retried }, () => output.line(`${retried} sent again.`));
        requireAll(filter.ids, retried);
      }),
    );
  filtered(
    failed
      .command('delete [ids...]')
      .description(
        'Deletes failed deliveries: those with these ids, or all that match the filter. They cannot be sent again.',
      ),
  )
    .addHelpText('after', '\nExample:\n  pns failed delete --user 14@1 --outcome expired')
    .action(
      action<FilterOptions>(async ({ client, output }, options, ...given) => {
        const { ids, ...filter } = chosen(given, options);
        const query = { ...filter, ...(ids !== undefined && { id: ids }) };
        const removed = await inTotal(async (more) => {
          const answer = await answerOf(client.DELETE('/v1/deliveries', { params: { query: { ...query, ...more } } }));
          return { ...answer, handled: answer.removed };
        });
        output.show({ removed }, () => output.line(`${removed} deleted.`));
        requireAll(ids, removed);
      }),
    );
}

/** How many deliveries one request has handled, and where the next request continues. */
interface Part {
  readonly handled: number;
  readonly hasMore: boolean;
  readonly failedBefore?: string;
}

/** Repeats a request until all deliveries that had failed at the first request are handled; returns their number. */
export async function inTotal(request: (more: { readonly failedBefore?: string }) => Promise<Part>): Promise<number> {
  let part = await request({});
  let total = part.handled;
  while (part.hasMore && part.handled > 0) {
    const { failedBefore } = part;
    part = await request(failedBefore === undefined ? {} : { failedBefore });
    total += part.handled;
  }
  return total;
}

/**
 * Checks that each delivery with an id of `ids` was handled. A filter, in contrast, may match no delivery.
 *
 * @throws CommandFailed when fewer deliveries were handled than `ids` name
 */
function requireAll(ids: readonly string[] | undefined, handled: number): void {
  const [id, ...others] = new Set(ids);
  const given = others.length + 1;
  if (id === undefined || handled >= given) return;
  const which = others.length === 0 ? `the id ${id}` : `${given - handled} of the ${given} ids`;
  throw new CommandFailed(`No failed delivery has ${which}. Run pns failed list for the ids.`);
}

function filtered(command: Command): Command {
  return command
    .option('--user <user@context>', 'deliveries of this user', userOption)
    .option('--context <context>', 'deliveries of this context', numberOption)
    .option('--client <client>', 'deliveries of this client')
    .option('--transport <transport>', 'deliveries of this transport')
    .option('--topic <topic>', 'deliveries with this topic')
    .option('--outcome <outcome>', 'deliveries with this outcome: exhausted, gone, rejected, misconfigured or expired');
}

/** @throws UsageError when nothing is chosen */
function chosen(ids: readonly string[], options: FilterOptions): components['schemas']['DeliveryRetry'] {
  const filter = filterOf(options);
  if (ids.length > 0) return { ...filter, ids: [...ids] };
  if (Object.keys(filter).length === 0) throw new UsageError('Give ids or a filter, for example --client crm.');
  return filter;
}

function filterOf({ user, context, client, transport, topic, outcome }: FilterOptions): Filter {
  const entries = { context, ...user, client, transport, topic, outcome };
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}
