import { createHash, randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { testApi, type TestApi } from '../testing/test-api';
import { TokenSpelling } from './token-spelling';

let api: TestApi;
let database: Client;

beforeAll(async () => {
  api = await testApi();
  database = new Client({ connectionString: api.database.url });
  await database.connect();
});

afterEach(async () => {
  await database.query('TRUNCATE subscriptions, client_transports');
});

afterAll(async () => {
  await database.end();
  await api.close();
});

interface View {
  readonly id: string;
  readonly token: string;
  readonly meta?: object;
  readonly isMetaUnreadable?: true;
}

const path = '/v1/subscriptions';
const phone = { context: 1, user: 14, client: 'mobile', transport: 'apns', topics: ['ox:mail:*'] };

/** Values in Postgres that no key of the environment decrypts. */
const unreadables: [name: string, bytes: (sealed: Buffer) => Buffer][] = [
  [
    'encrypted with a removed key',
    (sealed) =>
      Buffer.concat([Buffer.of(1), createHash('sha256').update('gone').digest().subarray(0, 4), sealed.subarray(5)]),
  ],
  ['altered', (sealed) => Buffer.concat([sealed.subarray(0, -1), Buffer.of((sealed.at(-1) ?? 0) ^ 1)])],
  ['cut', (sealed) => sealed.subarray(0, 12)],
  ['of another format', () => randomBytes(40)],
  ['empty', () => Buffer.alloc(0)],
];

async function spoil(table: string, column: string, where: string, bytes: (sealed: Buffer) => Buffer): Promise<void> {
  const { rows } = await database.query<{ sealed: Buffer }>(`SELECT ${column} AS sealed FROM ${table} WHERE ${where}`);
  await database.query(`UPDATE ${table} SET ${column} = $1 WHERE ${where}`, [
    bytes(rows[0]?.sealed ?? Buffer.alloc(0)),
  ]);
}

describe.each(unreadables)('a subscription whose meta is %s', (_, bytes) => {
  let spoilt: string;
  let sound: string;

  beforeEach(async () => {
    const register = async (token: string) =>
      (await api.send<View>('POST', path, { body: { ...phone, token, meta: { locale: 'de' } } })).body.id;
    [spoilt, sound] = [await register('aa01'), await register('aa02')];
    await spoil('subscriptions', 'meta', `id = '${spoilt}'`, bytes);
  });

  it('is listed as unreadable beside the others', async () => {
    const { status, body } = await api.send<{ items: View[] }>('GET', path);
    expect(status).toBe(200);
    expect(body.items).toMatchObject([
      { id: spoilt, isMetaUnreadable: true },
      { id: sound, meta: { locale: 'de' } },
    ]);
    expect(body.items[0]).not.toHaveProperty('meta');
    expect(body.items[1]).not.toHaveProperty('isMetaUnreadable');
    expect((await api.send('GET', `${path}/${spoilt}`)).body).toMatchObject({ isMetaUnreadable: true });
  });

  it('is explained', async () => {
    const question = '/v1/config/explain?context=1&user=14&topic=ox:mail:new';
    for (const query of [question, `${question}&client=mobile&transport=apns`]) {
      const { status, body } = await api.send('GET', query);
      expect([status, JSON.stringify(body)]).toEqual([200, expect.stringContaining(spoilt)]);
    }
  });

  it('can be changed, and other fields stay', async () => {
    const one = `${path}/${spoilt}`;
    expect(await api.send('PATCH', one, { body: { topics: ['*'] } })).toMatchObject({
      ...{ status: 200, body: { topics: ['*'], isMetaUnreadable: true } },
    });
    expect(await api.send('PATCH', one, { body: { meta: { locale: 'fr' } } })).toMatchObject({
      ...{ status: 200, body: { meta: { locale: 'fr' } } },
    });
  });

  it('can be registered again', async () => {
    const again = await api.send('POST', path, { body: { ...phone, token: 'aa01', meta: { locale: 'fr' } } });
    expect(again).toMatchObject({ status: 200, body: { id: spoilt, meta: { locale: 'fr' } } });
  });

  it.each<[string, () => string, readonly [status: number, left: number]]>([
    ['by its id', () => `${path}/${spoilt}`, [204, 1]],
    ['by a filter', () => `${path}?context=1&user=14`, [200, 0]],
    ['by its token', () => `${path}?token=aa01`, [200, 1]],
  ])('can be deleted %s', async (_name, url, [status, left]) => {
    expect((await api.send('DELETE', url())).status).toBe(status);
    expect((await api.send<{ items: View[] }>('GET', path)).body.items).toHaveLength(left);
  });

  it('is erased with its user', async () => {
    expect((await api.send('DELETE', '/v1/contexts/1/users/14')).status).toBe(204);
  });
});

describe.each(unreadables)('options of a client that are %s', (_, bytes) => {
  const one = '/v1/clients/app/transports/webhook';
  const options = { uri: 'https://push.example.com/', webhookSecret: 'secret' };

  beforeEach(async () => {
    await api.send('PUT', one, { body: options });
    await api.send('PUT', '/v1/clients/other/transports/webhook', { body: options });
    await spoil('client_transports', 'options', `client = 'app'`, bytes);
  });

  it('are listed with the fault beside the others, and can be replaced and deleted', async () => {
    const { status, body } = await api.send<{ items: object[] }>('GET', '/v1/clients');
    expect([status, body.items]).toMatchObject([
      200,
      [
        { client: 'app', options: {}, fault: expect.any(String) as string },
        { client: 'other', secrets: ['webhookSecret'] },
      ],
    ]);
    expect((await api.send('GET', one)).status).toBe(200);
    expect((await api.send('PUT', one, { body: options })).status).toBe(200);
    await spoil('client_transports', 'options', `client = 'app'`, bytes);
    expect((await api.send('DELETE', one)).status).toBe(204);
  });
});

it('options of an unknown transport are listed without their fields', async () => {
  await api.send('PUT', '/v1/clients/app/transports/webhook', { body: { uri: 'https://push.example.com/' } });
  await database.query(`UPDATE client_transports SET transport = 'pigeon'`);
  const { status, body } = await api.send<{ items: object[] }>('GET', '/v1/clients');
  expect([status, body.items]).toMatchObject([200, [{ transport: 'pigeon', options: {}, secrets: [] }]]);
});

describe.each(['pigeon', 'constructor'])(
  'a subscription of the transport %s, which this version does not know',
  (name) => {
    let id: string;

    beforeEach(async () => {
      id = (await api.send<View>('POST', path, { body: { ...phone, token: 'aa04' } })).body.id;
      await database.query(`UPDATE subscriptions SET transport = $1, token = 'AA04', is_token_normal = false`, [name]);
      await api.send('POST', path, { body: { ...phone, token: 'aa05' } });
    });

    it('is listed beside the others, and explained', async () => {
      expect((await api.send<{ items: View[] }>('GET', path)).body.items).toMatchObject([{ id }, { token: 'aa05' }]);
      expect(await api.send('GET', `${path}/${id}`)).toMatchObject({ status: 200, body: { transport: name } });
      const { status, body } = await api.send('GET', '/v1/config/explain?context=1&user=14&topic=ox:mail:new');
      expect([status, JSON.stringify(body)]).toEqual([200, expect.stringContaining(id)]);
    });

    it('does not prevent the conversion of other tokens to their normal form', async () => {
      await database.query(`UPDATE subscriptions SET token = 'AA05', is_token_normal = false WHERE token = 'aa05'`);
      await api.app.get(TokenSpelling).run();
      expect((await api.send<{ items: View[] }>('GET', path)).body.items).toMatchObject([
        { token: 'AA04' },
        { token: 'aa05' },
      ]);
    });

    it('can be changed, and a test push is suppressed', async () => {
      expect((await api.send('PATCH', `${path}/${id}`, { body: { topics: ['*'] } })).status).toBe(200);
      expect(await api.send('POST', `${path}/${id}/test`)).toMatchObject({
        status: 200,
        body: { outcome: 'suppressed' },
      });
    });

    it.each([['by its id'], ['by a filter'], ['with its user']])('can be deleted %s', async (way) => {
      const urls = { 'by its id': `${path}/${id}`, 'by a filter': `${path}?context=1&user=14` } as Record<
        string,
        string
      >;
      const { status } = await api.send('DELETE', urls[way] ?? '/v1/contexts/1/users/14');
      expect([200, 204]).toContain(status);
      expect((await api.send('GET', `${path}/${id}`)).status).toBe(404);
    });
  },
);

it('a resource that cannot be shown can be deleted, and the audit log records that it was unreadable', async () => {
  const { body } = await api.send<View>('POST', path, { body: { ...phone, context: 3, token: 'aa03' } });
  // JavaScript cannot represent this time.
  await database.query(`UPDATE subscriptions SET created_at = 'infinity'`);
  expect((await api.send('GET', `${path}?context=3&user=14`)).status).toBe(500);
  expect((await api.send('DELETE', `${path}?context=3&user=14`)).body).toEqual({ removed: 1 });
  expect((await api.send('GET', `${path}/${body.id}`)).status).toBe(404);
  const audit = await api.send<{ items: object[] }>('GET', '/v1/audit?context=3');
  expect(audit.body.items[0]).toMatchObject({ before: { isUnreadable: true }, after: { removed: 1 } });
});
