import { randomBytes } from 'node:crypto';
import { freshDatabase, type FreshDatabase } from '@pns/local-servers';
import type { DataSource } from 'typeorm';
import { ClientTransportStore } from './client-transport.store';
import { openDatabase } from './database';
import { Seal } from './seal';
import { SecretRotation } from './secret-rotation';
import { ServerKeyStore } from './server-key.store';
import { SubscriptionStore } from './subscription.store';

const [older, newer, foreign] = [randomBytes(32), randomBytes(32), randomBytes(32)];
const [before, during, after] = [new Seal([older]), new Seal([newer, older]), new Seal([newer])];

let fresh: FreshDatabase;
let database: DataSource;

beforeAll(async () => {
  fresh = await freshDatabase();
  database = await openDatabase(fresh.url);
});

afterAll(async () => {
  await database.destroy();
  await fresh.drop();
});

afterEach(() => database.query('TRUNCATE subscriptions, client_transports, server_keys'));

const hook = { context: 1, client: 'crm', transport: 'webhook', topics: ['*'], isShared: true } as const;
const keys = { p256dh: 'p', auth: 'a', applicationServerKey: 'k', isKeyAssumed: false } as const;

const register = (user: number, seal: Seal, client = 'crm') =>
  new SubscriptionStore(database, seal).register({
    ...{ ...hook, client, user, token: `https://crm.example.com/${user}`, meta: { password: `secret ${user}` } },
    keys,
  });

/** Runs the steps from `cursor` on, but not more than `most`. */
async function rotate(seal: Seal, limit: number, cursor?: string, most = Infinity) {
  const rotation = new SecretRotation(database, seal);
  const unreadable: string[] = [];
  let [rotated, next] = [0, cursor];
  for (let steps = 0; steps < most; steps++) {
    const step = await rotation.step(next, limit);
    rotated += step.rotated;
    unreadable.push(...step.unreadable);
    next = step.nextCursor;
    if (next === undefined) break;
  }
  return { rotated, unreadable, cursor: next, remaining: await rotation.remaining() };
}

async function readable(seal: Seal): Promise<unknown[]> {
  const subscriptions = new SubscriptionStore(database, seal);
  const { items } = await subscriptions.list({}, { limit: 500 });
  const pushKeys = await subscriptions.keysOf(items.map(({ id }) => id));
  return items.map(({ user, meta, id }) => [user, meta?.['password'], pushKeys.get(id)?.()?.auth]);
}

it('encrypts every secret with the first key, in small steps, and may be repeated', async () => {
  for (let user = 1; user <= 25; user++) await register(user, before);
  const clients = ['a', 'b', 'c'].map((client) => ({ client, transport: 'apns' }) as const);
  for (const client of clients) await new ClientTransportStore(database, before).put(client, { of: client.client });
  await new ServerKeyStore(database, before).pair('webpush', () => ({ privateKey: 'server' }));
  const versions = await database.query<unknown[]>('SELECT client, version, updated_at FROM client_transports');

  const first = await rotate(during, 4, undefined, 3); // as if the process died after three steps
  expect(first.rotated).toBeGreaterThan(0);
  const rest = await rotate(during, 4, first.cursor);
  expect([first.rotated + rest.rotated, rest.remaining]).toEqual([25 + 25 + 3 + 1, 0]);
  expect(await rotate(during, 4)).toEqual({ rotated: 0, unreadable: [], remaining: 0 });

  expect(await readable(after)).toEqual(Array.from({ length: 25 }, (_, at) => [at + 1, `secret ${at + 1}`, 'a']));
  const options = await new ClientTransportStore(database, after).all();
  expect(options.map(({ options: of }) => of)).toEqual([{ of: 'a' }, { of: 'b' }, { of: 'c' }]);
  expect(await new ServerKeyStore(database, after).pair('webpush', () => 'another')).toEqual({ privateKey: 'server' });
  expect(await database.query('SELECT client, version, updated_at FROM client_transports')).toEqual(versions);
});

it('names secrets that it cannot read, leaves them as they are, and encrypts the others', async () => {
  await register(1, before);
  const { subscription } = await register(2, new Seal([foreign]));
  await new ClientTransportStore(database, before).put({ client: 'crm', transport: 'apns' }, {});
  await database.query(`UPDATE client_transports SET options = overlay(options placing '\\x00' from 40 for 1)`);
  const { rotated, unreadable, remaining } = await rotate(during, 1);
  expect([rotated, remaining]).toEqual([2, 3]);
  expect(unreadable.sort()).toEqual([
    'client_transports crm apns options',
    ...['keys', 'meta'].map((column) => `subscriptions ${subscription.id} ${column}`),
  ]);
  expect(await readable(new Seal([newer, foreign]))).toEqual([
    [1, 'secret 1', 'a'],
    [2, 'secret 2', 'a'],
  ]);
});

it('looks at a bounded number of rows in each step, also where no secret is left to encrypt', async () => {
  for (let user = 1; user <= 10; user++) await register(user, user === 10 ? before : after);
  const clients = ['a', 'b', 'c', 'd', 'e'].map((client) => ({ client, transport: 'apns' }) as const);
  for (const client of clients) await new ClientTransportStore(database, before).put(client, {});
  const rotation = new SecretRotation(database, during);
  expect(await rotation.remaining(3)).toBe(2 + 5);
  const steps: number[] = [];
  for (let cursor: string | undefined, isOver = false; !isOver; isOver = cursor === undefined) {
    const step = await rotation.step(cursor, 100, 3);
    steps.push(step.rotated);
    cursor = step.nextCursor;
  }
  // Five clients take two steps, the empty table of server keys one, and two columns of ten subscriptions four each.
  expect(steps).toHaveLength(2 + 1 + 4 + 4);
  expect(steps.slice(0, 2)).toEqual([3, 2]);
  expect(steps.reduce((sum, rotated) => sum + rotated, 0)).toBe(2 + 5);
  expect(await rotation.remaining(3)).toBe(0);
});

it('waits for no writer, and overwrites nothing that one writes meanwhile', async () => {
  const { subscription } = await register(1, before);
  await register(2, before);
  const writer = database.createQueryRunner();
  await writer.startTransaction();
  const sealed = before.seal('{"password":"newer"}', 'subscriptions meta');
  await writer.query('UPDATE subscriptions SET meta = $2 WHERE id = $1', [subscription.id, sealed]);
  expect(await rotate(during, 10)).toMatchObject({ rotated: 2, remaining: 2 });
  await writer.commitTransaction();
  await writer.release();
  expect(await rotate(during, 10)).toMatchObject({ rotated: 2, remaining: 0 });
  expect((await readable(after)).sort()).toEqual([
    [1, 'newer', 'a'],
    [2, 'secret 2', 'a'],
  ]);
});

it.each(['x', 'WzkyLCIiLCIiXQ', Buffer.from('[2,"x",""]').toString('base64url')])(
  'refuses the cursor %s',
  async (cursor) => {
    await expect(rotate(during, 1, cursor)).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  },
);

it('is refused without a key', async () => {
  await expect(rotate(new Seal([]), 1)).rejects.toMatchObject({ code: 'ENCRYPTION_KEY_MISSING' });
});

it('covers every column of bytes except hashes', async () => {
  const columns = await database.query<{ name: string }[]>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND data_type = 'bytea' ORDER BY 1`,
  );
  expect(columns.map(({ name }) => name).filter((name) => !/hash$|^failed_deliveries\.endpoint$/.test(name))).toEqual([
    ...['client_transports.options', 'server_keys.pair', 'subscriptions.keys', 'subscriptions.meta'],
  ]);
});
