import { InvalidArgumentError, type Command } from 'commander';
import { answerOf, pages, type PnsClient } from '@pns/client';
import { action, userOption } from './cli';
import { UsageError } from './env';
import type { Row } from './output';

/** A scope of the cascade, as the command line names it: `server`, `set:premium`, `context:1` or `user:14@1`. */
type Scope =
  | { readonly kind: 'server' }
  | { readonly kind: 'set'; readonly set: string }
  | { readonly kind: 'context'; readonly context: number }
  | { readonly kind: 'user'; readonly context: number; readonly user: number };

interface Property {
  readonly name: string;
  readonly value: unknown;
  readonly final?: string | undefined;
  readonly origin?: { readonly scope: string; readonly id?: string | undefined } | undefined;
}

function scopeOption(text: string): Scope {
  if (text === 'server') return { kind: 'server' };
  const [, kind, rest = ''] = /^(set|context|user):(.+)$/.exec(text) ?? [];
  if (kind === 'set') return { kind, set: rest };
  if (kind === 'context' && /^\d{1,10}$/.test(rest)) return { kind, context: Number(rest) };
  if (kind === 'user') return { kind, ...userOption(rest) };
  throw new InvalidArgumentError('Give server, set:<name>, context:<id> or user:<user@context>.');
}

/** Functions that list, read, set and remove the properties of a scope. */
function propertiesOf(client: PnsClient, scope: Scope) {
  const paging = (cursor?: string) => ({ limit: 500, ...(cursor !== undefined && { cursor }) });
  switch (scope.kind) {
    case 'server': {
      const path = '/v1/config/server/properties/{name}';
      return {
        list: (cursor?: string) => client.GET('/v1/config/server/properties', { params: { query: paging(cursor) } }),
        get: (name: string) => client.GET(path, { params: { path: { name } } }),
        put: (name: string, value: unknown) =>
          client.PUT(path, { params: { path: { name } }, body: { value } as never }),
        remove: (name: string) => client.DELETE(path, { params: { path: { name } } }),
      };
    }
    case 'set': {
      const { set } = scope;
      const path = '/v1/config/context-sets/{set}/properties/{name}';
      return {
        list: (cursor?: string) =>
          client.GET('/v1/config/context-sets/{set}/properties', { params: { path: { set }, query: paging(cursor) } }),
        get: (name: string) => client.GET(path, { params: { path: { set, name } } }),
        put: (name: string, value: unknown) =>
          client.PUT(path, { params: { path: { set, name } }, body: { value } as never }),
        remove: (name: string) => client.DELETE(path, { params: { path: { set, name } } }),
      };
    }
    case 'context': {
      const { context } = scope;
      const path = '/v1/config/contexts/{context}/properties/{name}';
      return {
        list: (cursor?: string) =>
          client.GET('/v1/config/contexts/{context}/properties', {
            params: { path: { context }, query: paging(cursor) },
          }),
        get: (name: string) => client.GET(path, { params: { path: { context, name } } }),
        put: (name: string, value: unknown) =>
          client.PUT(path, { params: { path: { context, name } }, body: { value } as never }),
        remove: (name: string) => client.DELETE(path, { params: { path: { context, name } } }),
      };
    }
    case 'user': {
      const { context, user } = scope;
      const path = '/v1/config/contexts/{context}/users/{user}/properties/{name}';
      return {
        list: (cursor?: string) =>
          client.GET('/v1/config/contexts/{context}/users/{user}/properties', {
            params: { path: { context, user }, query: paging(cursor) },
          }),
        get: (name: string) => client.GET(path, { params: { path: { context, user, name } } }),
        put: (name: string, value: unknown) =>
          client.PUT(path, { params: { path: { context, user, name } }, body: { value } as never }),
        remove: (name: string) => client.DELETE(path, { params: { path: { context, user, name } } }),
      };
    }
  }
}

interface InScope {
  readonly in: Scope;
}

/** Adds `pns config`. */
export function addConfig(program: Command): void {
  const config = program
    .command('config')
    .summary('read and change properties')
    .description('Properties of the configuration cascade.');
  const inScope = (command: Command): Command =>
    command.option('--in <scope>', 'the scope: server, set:<name>, context:<id> or user:<user@context>', scopeOption, {
      kind: 'server',
    });

  inScope(
    config
      .command('get <name>')
      .description(
        'Shows the value that is set for a property in a scope; without one, a wider scope or the default decides.',
      ),
  )
    .addHelpText('after', '\nExample:\n  pns config get com.openexchange.pns.delayDuration --in context:1')
    .action(
      action<InScope>(async ({ client, output }, { in: scope }, name = '') => {
        const property = await answerOf<Property>(propertiesOf(client, scope).get(name));
        output.show(property, () => output.line(textOf(property.value)));
      }),
    );
  inScope(
    config
      .command('set <name> <value>')
      .description('Sets a property in a scope; every process applies it within a second.'),
  )
    .addHelpText('after', '\nExample:\n  pns config set com.openexchange.pns.delayDuration 0 --in user:14@1')
    .action(
      action<InScope>(async ({ client, output }, { in: scope }, name = '', value = '') => {
        const property = await answerOf<Property>(propertiesOf(client, scope).put(name, value));
        output.show(property, () => output.line(`${name} = ${textOf(property.value)}`));
      }),
    );
  inScope(config.command('unset <name>').description('Removes a property from a scope, so that a wider scope decides.'))
    .addHelpText('after', '\nExample:\n  pns config unset com.openexchange.pns.delayDuration --in user:14@1')
    .action(
      action<InScope>(async ({ client, output }, { in: scope }, name = '') => {
        await answerOf(propertiesOf(client, scope).remove(name));
        output.show({}, () => output.line(`${name} is no longer set there.`));
      }),
    );
  inScope(config.command('list').description('Lists the properties of a scope.'))
    .option('--effective', 'all properties that apply to a user, with their origin; needs --in user:<user@context>')
    .option('--prefix <prefix>', 'only names that begin with this text; needs --effective')
    .addHelpText('after', '\nExample:\n  pns config list --effective --in user:14@1')
    .action(
      action<InScope & { effective?: boolean; prefix?: string }>(async ({ client, output }, options) => {
        const { in: scope, effective, prefix } = options;
        if (prefix !== undefined && effective !== true) throw new UsageError('--prefix needs --effective.');
        const items = effective === true ? await effectiveOf(client, scope, prefix) : await allOf(client, scope);
        output.show({ items }, () => output.table(items.map(rowOf), 'No property is set there.'));
      }),
    );
  config
    .command('diff <scope> <scope>')
    .description('Shows the properties in which two scopes differ; of two users, those that apply to them.')
    .addHelpText('after', '\nExample:\n  pns config diff user:14@1 user:15@1')
    .action(
      action(async ({ client, output }, _options, first = '', second = '') => {
        const scopes = [scopeArgument(first), scopeArgument(second)];
        const areUsers = scopes.every(({ kind }) => kind === 'user');
        const [left, right] = await Promise.all(
          scopes.map(async (scope) => {
            const items = areUsers ? await effectiveOf(client, scope) : await allOf(client, scope);
            return new Map(items.map(({ name, value }) => [name, textOf(value)]));
          }),
        );
        const names = [...new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])])].sort();
        const items = names
          .map((name) => ({ name, [first]: left?.get(name), [second]: right?.get(name) }))
          .filter(({ name }) => left?.get(name) !== right?.get(name));
        output.show({ items }, () => output.table(items, 'They do not differ.'));
      }),
    );
}

function scopeArgument(text: string): Scope {
  try {
    return scopeOption(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function allOf(client: PnsClient, scope: Scope): Promise<Property[]> {
  const items: Property[] = [];
  for await (const item of pages<Property>(propertiesOf(client, scope).list)) items.push(item);
  return items;
}

async function effectiveOf(client: PnsClient, scope: Scope, prefix?: string): Promise<readonly Property[]> {
  if (scope.kind !== 'user') throw new UsageError('--effective needs a user: --in user:<user@context>.');
  const { context, user } = scope;
  const query = { context, user, ...(prefix !== undefined && { prefix }) };
  const { items } = await answerOf(client.GET('/v1/config/effective', { params: { query } }));
  return items;
}

function rowOf({ name, value, final, origin }: Property): Row {
  const from = origin === undefined ? '' : [origin.scope, origin.id].filter((part) => part !== undefined).join(' ');
  return { property: name, value: textOf(value), from, final: final ?? '' };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
