import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerOf, pages, pnsClient, type components, type PnsClient } from '@pns/client';
import { eventually } from '@pns/local-servers/waiting';
import { z } from 'zod';
import { appSuiteEvents, appSuiteProducer } from './app-suite-requests';
import { root } from './doc-page';
import { apiKey, System } from './system';

jest.setTimeout(60_000);

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: object }>> }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const document = JSON.parse(readFileSync(join(root, 'openapi.json'), 'utf8')) as Document;

/** A successful answer to the generated client. */
interface Answered {
  readonly operation: string;
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const answered: Answered[] = [];
const user = { context: 1, user: 14 };
const delay = 'com.openexchange.pns.delayDuration';

let system: System;
let client: PnsClient;

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
    processes: { 'worker-websocket': 0 },
    properties: { [delay]: 0, 'com.openexchange.pns.retry.attempts': 1 },
  });
  system.configure('webhook-producers.yml', appSuiteProducer);
  client = recorded(apiKey);
}, 120_000);

afterAll(() => system?.stop());

/** The generated client with this key. Its successful answers are recorded. */
function recorded(key: string): PnsClient {
  const made = pnsClient({ url: system.app('api').url, key });
  made.use({
    onResponse: async ({ request, response, schemaPath }) => {
      const { status, ok, headers } = response;
      if (!ok) return;
      const operation = `${request.method.toLowerCase()} ${schemaPath}`;
      const type = (headers.get('content-type') ?? '').replace(/;.*/, '');
      answered.push({ operation, status, type, body: await response.clone().text() });
    },
  });
  return made;
}

it('the directory', async () => {
  const ofContext = { params: { path: { context: 1 } } };
  const ofUser = { params: { path: user } };
  await answerOf(client.PUT('/v1/contexts/{context}', { ...ofContext, body: { name: 'acme', tags: ['premium'] } }));
  await answerOf(
    client.PUT('/v1/contexts/{context}/users/{user}', { ...ofUser, body: { primaryEmail: 'john@example.com' } }),
  );
  expect(await answerOf(client.GET('/v1/contexts/{context}', ofContext))).toMatchObject({ name: 'acme' });
  const { primaryEmail } = await answerOf(client.GET('/v1/contexts/{context}/users/{user}', ofUser));
  expect(primaryEmail).toBe('john@example.com');
  const contexts = await answerOf(client.GET('/v1/contexts'));
  expect(contexts.items.map(({ context }) => context)).toEqual([1]);
  const users = await answerOf(client.GET('/v1/contexts/{context}/users', ofContext));
  expect(users.items.map((each) => each.user)).toEqual([14]);
});

it('the properties of each scope', async () => {
  const set = { params: { path: { set: 'premium' } } };
  const body = { rank: 1, withTags: 'premium' };
  expect(await answerOf(client.PUT('/v1/config/context-sets/{set}', { ...set, body }))).toMatchObject(body);
  expect(await answerOf(client.GET('/v1/config/context-sets/{set}', set))).toMatchObject(body);
  expect((await answerOf(client.GET('/v1/config/context-sets'))).items).toHaveLength(1);

  const ofServer = '/v1/config/server/properties';
  const ofSet = '/v1/config/context-sets/{set}/properties';
  const ofContext = '/v1/config/contexts/{context}/properties';
  const ofUser = '/v1/config/contexts/{context}/users/{user}/properties';
  const value = { body: { value: 5 } };
  const [server, inSet] = [
    { params: { path: { name: delay } } },
    { params: { path: { set: 'premium', name: delay } } },
  ];
  const inContext = { params: { path: { context: 1, name: delay } } };
  const inUser = { params: { path: { ...user, name: delay } } };
  for (const property of [
    await answerOf(client.PUT(`${ofServer}/{name}`, { ...server, ...value })),
    await answerOf(client.GET(`${ofServer}/{name}`, server)),
    await answerOf(client.PUT(`${ofSet}/{name}`, { ...inSet, ...value })),
    await answerOf(client.GET(`${ofSet}/{name}`, inSet)),
    await answerOf(client.PUT(`${ofContext}/{name}`, { ...inContext, ...value })),
    await answerOf(client.GET(`${ofContext}/{name}`, inContext)),
    await answerOf(client.PUT(`${ofUser}/{name}`, { ...inUser, ...value })),
    await answerOf(client.GET(`${ofUser}/{name}`, inUser)),
  ]) {
    expect(property).toMatchObject({ name: delay, value: 5 });
  }
  for (const list of [
    await answerOf(client.GET(ofServer)),
    await answerOf(client.GET(ofSet, set)),
    await answerOf(client.GET(ofContext, { params: { path: { context: 1 } } })),
    await answerOf(client.GET(ofUser, { params: { path: user } })),
  ]) {
    expect(list.items).toContainEqual(expect.objectContaining({ name: delay, value: 5 }));
  }
  const effective = await answerOf(
    client.GET('/v1/config/effective', { params: { query: { ...user, prefix: delay } } }),
  );
  expect(effective.items).toMatchObject([{ value: 5, origin: { scope: 'user' } }]);
  expect((await answerOf(client.GET('/v1/config/properties'))).items.length).toBeGreaterThan(10);
  await answerOf(client.DELETE(`${ofUser}/{name}`, inUser));
  await answerOf(client.DELETE(`${ofContext}/{name}`, inContext));
  await answerOf(client.DELETE(`${ofSet}/{name}`, inSet));
  await answerOf(client.DELETE(`${ofServer}/{name}`, server));
  await answerOf(client.DELETE('/v1/config/context-sets/{set}', set));
});

it('API keys, sessions and the credentials of clients', async () => {
  const body = { name: 'producer', scopes: ['ingest' as const], contexts: [1] };
  const { id, key } = await answerOf(client.POST('/v1/api-keys', { body }));
  const entry = { context: 1, user: 14, topic: 'a:b', payload: {} };
  expect(await answerOf(recorded(key).POST('/v1/notifications', { body: entry }))).toMatchObject({ accepted: 1 });
  expect(await answerOf(client.GET('/v1/api-keys/{id}', { params: { path: { id } } }))).toMatchObject({ id });
  const names: string[] = [];
  for await (const { name } of pages((cursor) =>
    client.GET('/v1/api-keys', { params: { query: { ...(cursor !== undefined && { cursor }) } } }),
  ))
    names.push(name);
  expect(names).toEqual(['producer']);
  await answerOf(client.DELETE('/v1/api-keys/{id}', { params: { path: { id } } }));

  const crm = { params: { path: { client: 'crm', transport: 'webhook' as const } } };
  const path = '/v1/clients/{client}/transports/{transport}';
  await answerOf(client.PUT(path, { ...crm, body: { uri: 'https://crm.example.com/', signatureSecret: 'a secret' } }));
  const shown = await answerOf(client.GET(path, crm));
  expect(shown).toMatchObject({ secrets: ['signatureSecret'] });
  expect((await answerOf(client.GET('/v1/clients'))).items).not.toEqual([]);
  let step = await answerOf(client.POST('/v1/secrets/rotate'));
  while (step.nextCursor !== undefined) {
    step = await answerOf(client.POST('/v1/secrets/rotate', { params: { query: { cursor: step.nextCursor } } }));
  }
  expect(step).toMatchObject({ remaining: 0, unreadable: [] });
  await answerOf(client.DELETE(path, crm));
});

it("sessions, and the original's client API with them", async () => {
  const { id, token } = await answerOf(client.POST('/v1/sessions', { body: { ...user, client: 'mobile' } }));
  const ofUser = recorded(token);
  const key = { params: { path: { client: 'mobile' } } };
  const { applicationServerKey } = await answerOf(ofUser.GET('/v1/clients/{client}/webpush-key', key));
  expect(applicationServerKey).toMatch(/^B[\w-]{86}$/);
  const phone = { client: 'mobile', transport: 'apn' as const, token: '5a4d'.repeat(16), topics: ['ox:mail:*'] };
  for (const path of ['/ajax/pns', '/appsuite/api/pns'] as const) {
    for (const action of ['subscribe', 'unsubscribe'] as const) {
      const given = { params: { query: { action } }, body: phone };
      expect(await answerOf(ofUser.PUT(path, given))).toEqual({ data: { success: true } });
    }
  }
  await answerOf(client.DELETE('/v1/sessions/{id}', { params: { path: { id } } }));
});

it('notifications of each producer, subscriptions, failed deliveries and the history', async () => {
  const box = `${system.sandbox.url}/webhooks/client`;
  const subscription = { ...user, client: 'sandbox', transport: 'webhook' as const, token: box, topics: ['*'] };
  const { id } = await answerOf(client.POST('/v1/subscriptions', { body: subscription }));
  const one = { params: { path: { id } } };
  expect(await answerOf(client.POST('/v1/subscriptions/{id}/test', one))).toMatchObject({ outcome: 'delivered' });
  expect(await answerOf(client.GET('/v1/subscriptions/{id}', one))).toMatchObject({ token: box });
  const patched = await answerOf(client.PATCH('/v1/subscriptions/{id}', { ...one, body: { topics: ['ox:mail:*'] } }));
  expect(patched.topics).toEqual(['ox:mail:*']);
  expect((await answerOf(client.GET('/v1/subscriptions', { params: { query: user } }))).items).toHaveLength(1);

  await fault({ status: 400, times: 1 });
  const entry = { ...user, topic: 'ox:mail:new', id: 'refused', payload: { folder: 'default0/INBOX' } };
  expect(await answerOf(client.POST('/v1/notifications', { body: entry }))).toMatchObject({ accepted: 1 });
  const ofUser = { params: { query: user } };
  await eventually('the delivery failed', async () => (await answerOf(client.GET('/v1/deliveries', ofUser))).items[0]);
  expect(await answerOf(client.POST('/v1/deliveries/retry', { body: user }))).toMatchObject({ retried: 1 });
  expect(await answerOf(client.DELETE('/v1/deliveries', ofUser))).toMatchObject({ removed: 0 });
  const history = await eventually('the history has the outcome', async () => {
    const given = { params: { path: { id: 'refused' }, query: user } };
    const { data } = await client.GET('/v1/notifications/{id}', given);
    return data?.deliveries.some(({ outcome }) => outcome === 'delivered') === true ? data : undefined;
  });
  expect(history.deliveries.flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome))).toContain('rejected');

  const mail = { user: '14@1', event: 'messageNew', folder: 'INBOX', 'imap-uidvalidity': 1, 'imap-uid': 2 };
  expect(await answerOf(client.PUT('/preliminary/http-notify/v1/notify', { body: mail }))).toEqual({ success: true });
  const body = structuredClone(appSuiteEvents['ox:mail:new']) as components['schemas']['AppSuiteEvent'];
  const at = Date.now();
  const digest = createHmac('sha256', 'a secret of App Suite')
    .update(`v1:${at}:${JSON.stringify(body)}`)
    .digest('hex');
  const signed = { path: { id: 'appsuite' }, header: { 'X-OX-Signature': `t=${at}, v1=${digest}` } };
  const accepted = await answerOf(recorded('0815').POST('/v1/webhooks/ox/{id}', { params: signed, body }));
  expect(accepted).toMatchObject({ accepted: 1 });

  expect((await answerOf(client.GET('/v1/notifications', ofUser))).items).not.toEqual([]);
  const [from, to] = [-3_600_000, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString()) as [string, string];
  await answerOf(client.GET('/v1/usage', { params: { query: { from, to, by: 'transport' } } }));
  const explained = { params: { query: { ...user, topic: 'ox:mail:new' } } };
  expect(await answerOf(client.GET('/v1/config/explain', explained))).toHaveProperty('sentence');
  expect((await answerOf(client.GET('/v1/endpoints'))).items).toEqual([]);
  expect(await answerOf(client.POST('/v1/endpoints/enable', { body: { client: 'sandbox' } }))).toMatchObject({
    enabled: 0,
  });
  await answerOf(client.DELETE('/v1/subscriptions/{id}', one));
  expect(await answerOf(client.DELETE('/v1/subscriptions', ofUser))).toMatchObject({ removed: 0 });

  async function fault(kind: object): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    await fetch(`${box}/faults`, { method: 'PUT', headers, body: JSON.stringify(kind) });
  }
});

it('health, metrics, faults, the audit log and erasure', async () => {
  expect(await answerOf(client.GET('/health/live'))).toMatchObject({ status: 'ok' });
  expect(await answerOf(client.GET('/health/ready'))).toMatchObject({ status: 'ok' });
  expect(await answerOf(client.GET('/metrics', { parseAs: 'text' }))).toContain('pns_notifications_total');
  expect(await answerOf(client.GET('/v1/config/faults'))).toMatchObject({ items: [] });
  expect((await answerOf(client.GET('/v1/audit'))).items).not.toEqual([]);
  await answerOf(client.DELETE('/v1/contexts/{context}/users/{user}', { params: { path: user } }));
  await answerOf(client.DELETE('/v1/contexts/{context}', { params: { path: { context: 1 } } }));
});

it('the tests above call every operation of the OpenAPI document', () => {
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect([...new Set(answered.map(({ operation }) => operation))].sort()).toEqual(described.sort());
});

it('each answer has a status that the document describes, and fits its schema', () => {
  const text = JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/');
  const $defs = JSON.parse(text) as object;
  for (const { operation, status, type, body } of answered) {
    const [method = '', path = ''] = operation.split(' ');
    const described = document.paths[path]?.[method]?.responses[status];
    expect([operation, status, described]).toEqual([operation, status, expect.anything()]);
    if (body === '') continue;
    expect([operation, Object.keys(described?.content ?? {})]).toEqual([operation, expect.arrayContaining([type])]);
    if (type !== 'application/json') continue;
    const schema = JSON.stringify(described?.content?.[type]?.schema).replaceAll('#/components/schemas/', '#/$defs/');
    const { error } = z
      .fromJSONSchema({ ...(JSON.parse(schema) as object), $defs } as never)
      .safeParse(JSON.parse(body));
    expect([operation, error?.issues]).toEqual([operation, undefined]);
  }
});
