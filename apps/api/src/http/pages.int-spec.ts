import { testApi, type TestApi } from '../testing/test-api';
import { describedRoutes } from './testing/described-routes';

interface Page {
  readonly items: readonly Record<string, unknown>[];
  readonly nextCursor?: string;
}

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

async function put(path: string, body: object): Promise<void> {
  expect(await api.send('PUT', path, { body })).toMatchObject({ status: 200 });
}

/** All pages of a list. */
async function pagesOf(list: string, limit: number): Promise<Page[]> {
  const pages: Page[] = [];
  let query = `?limit=${limit}`;
  for (;;) {
    const { status, body } = await api.send<Page>('GET', `${list}${query}`);
    expect(status).toBe(200);
    pages.push(body);
    if (body.nextCursor === undefined) return pages;
    query = `?limit=${limit}&cursor=${body.nextCursor}`;
  }
}

const base = 'com.openexchange.pns.transport.websocket.enabled';
// The longest client and topic, for the longest cursor.
const longest = `${base}.${'c'.repeat(64)}.${'t'.repeat(255)}`;
const names = [base, `${base}.A`, `${base}.a`, longest, `${base}.z`, `${base}.ox:mail:new`].sort();

it.each([
  ['the server', '/v1/config/server/properties'],
  ['a context set', '/v1/config/context-sets/paged/properties'],
  ['a context', '/v1/config/contexts/1/properties'],
  ['a user', '/v1/config/contexts/1/users/14/properties'],
])('the properties of %s are listed by name, page by page', async (_, list) => {
  await put('/v1/config/context-sets/paged', { rank: 999_999, withTags: 'nobody' });
  for (const name of [...names].reverse()) await put(`${list}/${name}`, { value: true });
  await put('/v1/config/contexts/2/properties/com.openexchange.pns.delayDuration', { value: 1 });
  for (const limit of [1, 4, 6]) {
    const pages = await pagesOf(list, limit);
    expect(pages.map(({ items }) => items.length)).toEqual({ 1: [1, 1, 1, 1, 1, 1], 4: [4, 2], 6: [6] }[limit]);
    expect(pages.flatMap(({ items }) => items.map(({ name }) => name))).toEqual(names);
  }
});

it('context sets are listed in the order in which they are tried, page by page', async () => {
  const sets = [
    ['b', 1],
    ['Z', 2],
    ['a', 2],
    ['c', 10],
  ] as const;
  for (const [name, rank] of [...sets].reverse()) await put(`/v1/config/context-sets/${name}`, { rank, withTags: 'x' });
  for (const limit of [1, 3]) {
    const items = (await pagesOf('/v1/config/context-sets', limit)).flatMap((page) => page.items);
    const own = items.filter(({ name }) => name !== 'paged');
    expect(own.map(({ name, rank }) => [name, rank])).toEqual(sets);
  }
});

it('clients are listed by name and transport, page by page', async () => {
  const options = { uri: 'https://push.example.com/' };
  for (const client of ['b', 'A', 'a']) await put(`/v1/clients/${client}/transports/webhook`, options);
  await put('/v1/clients/a/transports/wns', { sid: 'ms-app://s-1-15-2-1', secret: 'secret' });
  const pages = await pagesOf('/v1/clients', 1);
  expect(pages.flatMap(({ items }) => items.map(({ client, transport }) => [client, transport]))).toEqual([
    ['A', 'webhook'],
    ['a', 'webhook'],
    ['a', 'wns'],
    ['b', 'webhook'],
  ]);
});

it('every list that can grow has limit, cursor and nextCursor', async () => {
  const { body } = await api.send<Document>('GET', '/openapi.json');
  // These lists have no pages, because they are bounded: by the registry of properties, or to a hundred faults per file.
  const whole = ['/v1/config/properties', '/v1/config/effective', '/v1/config/faults'];
  const lists = (await describedRoutes(api)).filter(({ method, path }) => method === 'GET' && isList(body, path));
  expect(lists.length).toBeGreaterThan(10);
  for (const { path } of lists.filter((list) => !whole.includes(list.path))) {
    const parameters = body.paths[path]?.['get']?.parameters ?? [];
    expect([path, parameters.map(({ name }) => name)]).toEqual([path, expect.arrayContaining(['limit', 'cursor'])]);
    expect([path, Object.keys(schemaOf(body, path))]).toEqual([path, expect.arrayContaining(['items', 'nextCursor'])]);
  }
});

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, { readonly properties?: object }> };
}

interface Operation {
  readonly parameters?: readonly { readonly name: string }[];
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema?: { $ref?: string } }> }>;
}

/** The fields of the answer of a GET. */
function schemaOf(document: Document, path: string): object {
  const reference = document.paths[path]?.['get']?.responses['200']?.content?.['application/json']?.schema?.$ref ?? '';
  return document.components.schemas[reference.split('/').at(-1) ?? '']?.properties ?? {};
}

function isList(document: Document, path: string): boolean {
  return 'items' in schemaOf(document, path);
}
