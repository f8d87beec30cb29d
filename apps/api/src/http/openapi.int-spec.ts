import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { testApi, type TestApi } from '../testing/test-api';
import { problemKinds } from './problems';

interface MediaType {
  readonly schema?: object;
  readonly example?: unknown;
  readonly examples?: object;
}

interface Operation {
  readonly tags?: readonly string[];
  readonly operationId: string;
  readonly summary?: string;
  readonly security?: object[];
  readonly requestBody?: { readonly content: Record<string, MediaType> };
  readonly responses: Record<string, { readonly description: string; readonly content?: Record<string, MediaType> }>;
}

interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object>; readonly securitySchemes: object };
}

let api: TestApi;
let document: Document;

beforeAll(async () => {
  api = await testApi();
  document = (await api.send<Document>('GET', '/openapi.json', { key: null })).body;
});

afterAll(() => api.close());

function operations(): [name: string, operation: Operation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );
}

it('is OpenAPI 3.1 and contains every route', () => {
  expect(document.openapi).toMatch(/^3\.1\./);
  expect(
    operations()
      .map(([name]) => name)
      .sort(),
  ).toEqual([
    'delete /v1/api-keys/{id}',
    'delete /v1/clients/{client}/transports/{transport}',
    'delete /v1/config/context-sets/{set}',
    'delete /v1/config/context-sets/{set}/properties/{name}',
    'delete /v1/config/contexts/{context}/properties/{name}',
    'delete /v1/config/contexts/{context}/users/{user}/properties/{name}',
    'delete /v1/config/server/properties/{name}',
    'delete /v1/contexts/{context}',
    'delete /v1/contexts/{context}/users/{user}',
    'delete /v1/deliveries',
    'delete /v1/sessions/{id}',
    'delete /v1/subscriptions',
    'delete /v1/subscriptions/{id}',
    'get /health/live',
    'get /health/ready',
    'get /metrics',
    'get /v1/api-keys',
    'get /v1/api-keys/{id}',
    'get /v1/audit',
    'get /v1/clients',
    'get /v1/clients/{client}/transports/{transport}',
    'get /v1/clients/{client}/webpush-key',
    'get /v1/config/context-sets',
    'get /v1/config/context-sets/{set}',
    'get /v1/config/context-sets/{set}/properties',
    'get /v1/config/context-sets/{set}/properties/{name}',
    'get /v1/config/contexts/{context}/properties',
    'get /v1/config/contexts/{context}/properties/{name}',
    'get /v1/config/contexts/{context}/users/{user}/properties',
    'get /v1/config/contexts/{context}/users/{user}/properties/{name}',
    'get /v1/config/effective',
    'get /v1/config/explain',
    'get /v1/config/faults',
    'get /v1/config/properties',
    'get /v1/config/server/properties',
    'get /v1/config/server/properties/{name}',
    'get /v1/contexts',
    'get /v1/contexts/{context}',
    'get /v1/contexts/{context}/users',
    'get /v1/contexts/{context}/users/{user}',
    'get /v1/deliveries',
    'get /v1/endpoints',
    'get /v1/notifications',
    'get /v1/notifications/{id}',
    'get /v1/subscriptions',
    'get /v1/subscriptions/{id}',
    'get /v1/usage',
    'patch /v1/subscriptions/{id}',
    'post /v1/api-keys',
    'post /v1/deliveries/retry',
    'post /v1/endpoints/enable',
    'post /v1/notifications',
    'post /v1/secrets/rotate',
    'post /v1/sessions',
    'post /v1/subscriptions',
    'post /v1/subscriptions/{id}/test',
    'post /v1/webhooks/ox/{id}',
    'put /ajax/pns',
    'put /appsuite/api/pns',
    'put /preliminary/http-notify/v1/notify',
    'put /v1/clients/{client}/transports/{transport}',
    'put /v1/config/context-sets/{set}',
    'put /v1/config/context-sets/{set}/properties/{name}',
    'put /v1/config/contexts/{context}/properties/{name}',
    'put /v1/config/contexts/{context}/users/{user}/properties/{name}',
    'put /v1/config/server/properties/{name}',
    'put /v1/contexts/{context}',
    'put /v1/contexts/{context}/users/{user}',
  ]);
});

it('describes the purpose, access, parameters and answers of every route under /v1', () => {
  for (const [name, operation] of operations().filter(([each]) => / .*\/v1\/(?!webhooks)/.test(each))) {
    const { summary, security, requestBody, responses } = operation;
    expect([name, summary]).toEqual([name, expect.stringMatching(/\w/)]);
    expect([name, security]).toEqual([name, [{ bearer: [] }, { basic: [] }]]);
    if (/^(patch|post|put)/.test(name) && !/\/(test|rotate)$/.test(name))
      expect([name, Object.keys(requestBody?.content ?? {})]).toEqual([
        name,
        expect.arrayContaining(['application/json']),
      ]);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403', '500', '503']));
    expect(Object.keys(responses).some((status) => status.startsWith('2'))).toBe(true);
    for (const [status, { content = {} }] of Object.entries(responses)) {
      if (Number(status) >= 400)
        expect([name, status, Object.keys(content)]).toEqual([name, status, ['application/problem+json']]);
    }
  }
});

it('contains the problem codes with their status', () => {
  let named = 0;
  for (const [, { responses }] of operations()) {
    for (const [status, { description }] of Object.entries(responses)) {
      for (const [, code] of description.matchAll(/`([A-Z_]+)`/g)) {
        expect(problemKinds[code as keyof typeof problemKinds].status).toBe(Number(status));
        named++;
      }
    }
  }
  expect(named).toBeGreaterThan(50);
});

it('refers only to schemas that it contains', () => {
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
    ([, name]) => name,
  );
  expect(references.length).toBeGreaterThan(20);
  for (const name of references) expect(Object.keys(document.components.schemas)).toContain(name);
});

it('passes the linter, with its examples', () => {
  const linter = join(__dirname, '..', '..', 'scripts', 'lint-openapi.mjs');
  const input = JSON.stringify(document);
  const { status, stdout, stderr } = spawnSync(process.execPath, [linter], { input, encoding: 'utf8' });
  expect([status, stdout, stderr]).toEqual([0, '', '']);
});

it('has an example of every request and answer body', () => {
  for (const [name, { requestBody, responses }] of operations()) {
    const bodies = [
      ['request', requestBody?.content] as const,
      ...Object.entries(responses).map(([status, { content }]) => [status, content] as const),
    ];
    for (const [which, content = {}] of bodies) {
      for (const [type, { example, examples }] of Object.entries(content)) {
        expect([name, which, type, example ?? examples]).toEqual([name, which, type, expect.anything()]);
      }
    }
  }
});

it('describes the purpose, the answers and the authentication of every route', () => {
  expect(document.servers).toHaveLength(1);
  for (const [name, { summary, security, responses, operationId }] of operations()) {
    expect([name, summary]).toEqual([name, expect.stringMatching(/\w/)]);
    expect([name, security]).toEqual([name, expect.any(Array)]);
    expect([name, operationId]).toEqual([name, expect.stringMatching(/^\w+$/)]);
    for (const { description } of Object.values(responses)) expect([name, description]).not.toEqual([name, '']);
  }
  const securityOf = (name: string) => operations().find(([each]) => each === name)?.[1].security;
  for (const path of ['/health/live', '/health/ready', '/metrics']) expect(securityOf(`get ${path}`)).toEqual([]);
  for (const path of ['/ajax/pns', '/appsuite/api/pns']) {
    expect(securityOf(`put ${path}`)).toEqual([{ sessionBearer: [] }, { session: [] }]);
  }
});

it('has no default in request bodies, because client generators make such a field mandatory', () => {
  const schemas = document.components.schemas;
  const withDefault: string[] = [];
  const visit = (part: unknown, path: string, seen: readonly unknown[] = []): void => {
    if (typeof part !== 'object' || part === null || seen.includes(part)) return;
    const { $ref: reference, properties = {} } = part as { $ref?: string; properties?: Record<string, object> };
    if (reference !== undefined) visit(schemas[reference.split('/').at(-1) ?? ''], reference, [...seen, part]);
    for (const [name, field] of Object.entries(properties)) if ('default' in field) withDefault.push(`${path} ${name}`);
    for (const [key, value] of Object.entries(part)) visit(value, `${path}/${key}`, [...seen, part]);
  };
  for (const [name, { requestBody }] of operations()) {
    for (const { schema } of Object.values(requestBody?.content ?? {})) visit(schema, name);
  }
  expect(withDefault).toEqual([]);
  expect(JSON.stringify(schemas['NotificationEntry'])).toContain('Default: \\"high\\".');
});

it('starts with notifications', () => {
  expect(document.tags.map(({ name }) => name).slice(0, 3)).toEqual(['Notifications', 'Subscriptions', 'Sessions']);
  const used = new Set(operations().flatMap(([, { tags = [] }]) => tags));
  expect(new Set(document.tags.map(({ name }) => name))).toEqual(used);
});

it.each([
  ['text/html,application/xhtml+xml,*/*;q=0.8', 'text/html; charset=utf-8', /<a href="\/docs">/],
  ['application/json', 'application/json; charset=utf-8', /"docs":"\/docs","openapi":"\/openapi.json"/],
  ['*/*', 'application/json; charset=utf-8', /"health":"\/health\/ready"/],
])('the root links to the other pages, for Accept: %s', async (accept, type, body) => {
  const answer = await fetch(`${api.url}/`, { headers: { accept } });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, type]);
  const text = await answer.text();
  expect(text).toMatch(body);
  for (const [, path = ''] of text.matchAll(/"(\/[a-z/.]+)"/g)) {
    expect([path, (await api.send('GET', path, { key: null })).status]).toEqual([path, 200]);
  }
});

it('has a viewport for phones', async () => {
  const page = await api.send<string>('GET', '/docs', { key: null });
  expect(page.body.match(/<meta name="viewport" content="width=device-width, initial-scale=1">/g)).toHaveLength(1);
});

it('needs no other host for its page', async () => {
  const page = await api.send<string>('GET', '/docs', { key: null });
  expect(page.status).toBe(200);
  const assets = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(
    ([, url]) => new URL(url ?? '', `${api.url}/docs`),
  );
  expect(assets.length).toBeGreaterThan(3);
  for (const asset of assets) {
    expect(asset.origin).toBe(api.url);
    expect((await api.send('GET', asset.pathname, { key: null })).status).toBe(200);
  }
});
