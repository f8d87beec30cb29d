import { randomBytes } from 'node:crypto';
import type { FreshDatabase } from '@pns/local-servers';
import type { DataSource } from 'typeorm';
import { openDatabase } from './database';
import type { GivenPushKeys } from './push-keys';
import type { Registration } from './registration';
import { Seal } from './seal';
import { ServerKeyStore } from './server-key.store';
import { SubscriptionStore } from './subscription.store';
import { migratedDatabase } from './testing/migrated-database';

let fresh: FreshDatabase;
let database: DataSource;
let seal: Seal;
let store: SubscriptionStore;

beforeAll(async () => {
  fresh = await migratedDatabase();
  database = await openDatabase(fresh.url);
  seal = new Seal([randomBytes(32)]);
  store = new SubscriptionStore(database, seal);
});

afterEach(() => database.query('TRUNCATE subscriptions, server_keys, audit_entries'));

afterAll(async () => {
  await database.destroy();
  await fresh.drop();
});

const assumed: GivenPushKeys = { p256dh: 'P1', auth: 'A1', applicationServerKey: 'K1', isKeyAssumed: true };
const named: GivenPushKeys = { ...assumed, isKeyAssumed: false };
const browser: Registration = {
  ...{ context: 1, user: 14, client: 'web', transport: 'webpush', token: 'https://push.example.com/1', topics: ['*'] },
  ...{ isShared: false, keys: assumed },
};

async function registered(changes: Partial<Registration> = {}) {
  const { subscription } = await store.register({ ...browser, ...changes });
  return (await store.keysOf([subscription.id])).get(subscription.id)?.();
}

describe('the keys of a Web Push subscription', () => {
  it('are stored encrypted, and are not among the fields of a subscription that is read', async () => {
    expect(await registered()).toEqual({ p256dh: 'P1', auth: 'A1', applicationServerKey: 'K1' });
    const [row] = await database.query<{ id: string; keys: Buffer }[]>('SELECT id, keys FROM subscriptions');
    expect(row?.keys.toString('latin1')).not.toContain('P1');
    expect(JSON.stringify(await store.get(row?.id ?? ''))).not.toContain('P1');
    expect(JSON.stringify(await store.list({}, { limit: 1 }))).not.toContain('P1');
  });

  it('keep the VAPID key of the first registration while the browser registers the same subscription', async () => {
    await registered();
    const rotated = { ...assumed, applicationServerKey: 'K2' };
    expect(await registered({ keys: rotated })).toMatchObject({ applicationServerKey: 'K1' });
    expect(await registered({ keys: rotated, user: 15 })).toMatchObject({ applicationServerKey: 'K1' });
  });

  it('get the new VAPID key with new keys of the browser, with another endpoint, or if the client names it', async () => {
    await registered();
    const rotated = { ...assumed, applicationServerKey: 'K2' };
    expect(await registered({ keys: { ...rotated, auth: 'A2' } })).toMatchObject({ applicationServerKey: 'K2' });
    const token = 'https://push.example.com/2';
    expect(await registered({ keys: rotated, token })).toMatchObject({ applicationServerKey: 'K2' });
    const third = { ...named, applicationServerKey: 'K3' };
    expect(await registered({ keys: third })).toMatchObject({ applicationServerKey: 'K3' });
  });

  it('are replaced if no key decrypts the earlier ones', async () => {
    const lost = new SubscriptionStore(database, new Seal([randomBytes(32)]));
    await lost.register(browser);
    expect(await registered({ keys: { ...assumed, applicationServerKey: 'K2' } })).toMatchObject({
      applicationServerKey: 'K2',
    });
  });

  it('do not exist for other transports and for deleted subscriptions', async () => {
    const { keys, ...phone } = browser;
    expect(keys).toBeDefined();
    const { subscription } = await store.register({ ...phone, transport: 'fcm' });
    expect((await store.keysOf([subscription.id])).get(subscription.id)?.()).toBeUndefined();
    await store.remove(subscription.id);
    expect((await store.keysOf([subscription.id])).size).toBe(0);
  });
});

describe('the keys of the server', () => {
  it('are made once, also by many processes at the same time, and stored encrypted', async () => {
    const stores = Array.from({ length: 8 }, () => new ServerKeyStore(database, seal));
    let made = 0;
    const pairs = await Promise.all(stores.map((each) => each.pair('webpush', () => ({ publicKey: `P${made++}` }))));
    expect(new Set(pairs.map(({ publicKey }) => publicKey)).size).toBe(1);
    const [row] = await database.query<{ pair: Buffer }[]>('SELECT pair FROM server_keys');
    expect(row?.pair.toString('latin1')).not.toContain('publicKey');
    expect(await stores[0]?.pair('webpush', () => ({ publicKey: 'other' }))).toEqual(pairs[0]);
  });

  it('are encrypted again with the first key, so that an older one can be removed', async () => {
    const [old, current] = [randomBytes(32), randomBytes(32)];
    const make = () => ({ publicKey: 'P' });
    await new ServerKeyStore(database, new Seal([old])).pair('webpush', make);
    await new ServerKeyStore(database, new Seal([current, old])).pair('webpush', make);
    const other = () => ({ publicKey: 'Q' });
    expect(await new ServerKeyStore(database, new Seal([current])).pair('webpush', other)).toEqual(make());
  });

  it('are not replaced if no key decrypts them', async () => {
    await new ServerKeyStore(database, new Seal([randomBytes(32)])).pair('webpush', () => ({ publicKey: 'P' }));
    const pair = new ServerKeyStore(database, seal).pair('webpush', () => ({ publicKey: 'Q' }));
    await expect(pair).rejects.toMatchObject({ code: 'ENCRYPTION_KEY_MISSING' });
  });
});
