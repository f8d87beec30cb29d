import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { System } from '../system';

interface List {
  readonly items: readonly Readonly<Record<string, string>>[];
}

/** The query parameters of the routes that require parameters. */
const queries: Readonly<Record<string, string>> = {
  '/v1/notifications': 'context=1&user=14&limit=100',
  '/v1/usage': 'from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z',
  '/v1/config/effective': 'context=1&user=14',
  '/v1/config/explain': 'context=1&user=14&topic=ox:mail:new',
};

/** The answers to all GET requests of the description, for user 14 of context 1 and for each item of the lists. */
export async function allAnswers(system: System): Promise<string[]> {
  const description = JSON.parse(readFileSync(join(__dirname, '../../../../openapi.json'), 'utf8')) as {
    readonly paths: Readonly<Record<string, { readonly get?: unknown }>>;
  };
  const list = async (path: string) => (await system.expect<List>(200, 'GET', path)).items;
  const idsOf = async (path: string) => (await list(path)).map(({ id }) => String(id));
  const ids: Readonly<Record<string, readonly string[]>> = {
    '/v1/notifications/{id}': await idsOf(`/v1/notifications?${queries['/v1/notifications']}`),
    '/v1/subscriptions/{id}': await idsOf('/v1/subscriptions?limit=100'),
    '/v1/api-keys/{id}': await idsOf('/v1/api-keys'),
  };
  const clients = await list('/v1/clients?limit=100');
  const answers: string[] = [];
  for (const [path, { get }] of Object.entries(description.paths)) {
    if (get === undefined) continue;
    const ofUser = path
      .replace('{context}', '1')
      .replace('{user}', '14')
      .replace('{name}', 'com.openexchange.pns.delayDuration');
    const targets = ofUser.includes('{client}')
      ? clients.map(({ client = '', transport = '' }) =>
          ofUser.replace('{client}', client).replace('{transport}', transport),
        )
      : (ids[path] ?? ['']).map((id) => ofUser.replace('{id}', id));
    for (const target of targets) {
      const response = await system.request('GET', `${target}?${queries[path] ?? ''}`);
      answers.push(`GET ${target} ${response.status} ${await response.text()}`);
    }
  }
  return answers;
}
