import { randomBytes } from 'node:crypto';
import type { FreshDatabase } from '@pns/local-servers';
import type { DataSource } from 'typeorm';
import { AuditStore, type AuditEntry } from './audit.store';
import { openDatabase } from './database';
import type { Registration } from './registration';
import { Seal } from './seal';
import { SubscriptionStore } from './subscription.store';
import { migratedDatabase } from './testing/migrated-database';

let fresh: FreshDatabase;
let database: DataSource;
let store: SubscriptionStore;

beforeAll(async () => {
  fresh = await migratedDatabase();
  database = await openDatabase(fresh.url);
  store = new SubscriptionStore(database, new Seal([randomBytes(32)]));
});

afterEach(() => database.query('TRUNCATE subscriptions, audit_entries'));

afterAll(async () => {
  await database.destroy();
  await fresh.drop();
});

const phone: Registration = {
  ...{ context: 1, user: 14, client: 'mobile', transport: 'apns', token: 'aa11', topics: ['ox:mail:*'] },
  isShared: false,
};
const hook: Registration = { ...phone, client: 'hook', transport: 'webhook', token: 'https://push.example.com/hook' };
const firstKeeps = { holder: 'first' } as const;

const holders = async (token: string): Promise<number[]> =>
  (await store.list({ tokens: { apns: token, webhook: token } }, { limit: 100 })).items.map(({ user }) => user);

async function expire(id: string): Promise<void> {
  await database.query(`UPDATE subscriptions SET expires_at = now() - interval '1 s' WHERE id = $1`, [id]);
}

describe('the token of a device', () => {
  const registrant = { keyId: 'key-of-two', keyName: 'the key of two', requestId: 'request-1' };
  const entries = async (context: number): Promise<readonly AuditEntry[]> =>
    (await new AuditStore(database).list({ contexts: [context] }, { limit: 10 })).items;

  it('goes to the last user who registers, and the audit logs of both contexts record it', async () => {
    const { subscription: lost } = await store.register({ ...phone, user: 918_273 });
    const { subscription: taken } = await store.register({ ...phone, context: 2, user: 918_274 }, { registrant });
    expect(await store.get(lost.id)).toBeUndefined();
    const [[ofLoser], [ofTaker]] = [await entries(1), await entries(2)];
    const takeOver = expect.any(String) as string;
    const device = { client: 'mobile', transport: 'apns', token: expect.stringMatching(/^sha256:/) as string };
    expect(ofLoser).toMatchObject({
      ...{
        action: 'subscription.lost',
        resource: `/v1/subscriptions/${lost.id}`,
        context: 1,
        user: 918_273,
        status: 200,
      },
      ...{ keyId: 'other-context', before: { ...device, id: lost.id, topics: lost.topics } },
      after: { takeOver, to: 'a user of another context' },
    });
    expect(ofTaker).toMatchObject({
      ...{ action: 'subscription.taken-over', resource: `/v1/subscriptions/${taken.id}`, context: 2, user: 918_274 },
      ...registrant,
      after: { ...device, takeOver, from: 'a user of another context', id: taken.id },
    });
    expect(ofLoser?.after).toMatchObject({ takeOver: (ofTaker?.after as { takeOver: string }).takeOver });
  });

  it('has audit entries without data of the other tenant', async () => {
    const { subscription: lost } = await store.register({ ...phone, user: 918_273 });
    const { subscription: taken } = await store.register({ ...phone, context: 918_275, user: 918_274 }, { registrant });
    const logOf = async (context: number) =>
      JSON.stringify((await entries(context)).map(({ at, ...entry }) => [at > 0, entry]));
    const [ofLoser, ofTaker] = [await logOf(1), await logOf(918_275)];
    for (const secret of ['918274', '918275', taken.id, ...Object.values(registrant)])
      expect(ofLoser).not.toContain(secret);
    for (const secret of ['918273', lost.id]) expect(ofTaker).not.toContain(secret);
    for (const text of [ofLoser, ofTaker]) expect(text).not.toContain(phone.token);
  });

  it('has audit entries with the API key, within one context', async () => {
    await store.register({ ...phone, user: 918_273 });
    await store.register({ ...phone, user: 918_274 }, { registrant });
    expect(await entries(1)).toMatchObject([
      { ...registrant, user: expect.any(Number) as number },
      { ...registrant, user: expect.any(Number) as number },
    ]);
    expect((await entries(1)).map(({ action, user }) => `${action} ${user}`).sort()).toEqual([
      'subscription.lost 918273',
      'subscription.taken-over 918274',
    ]);
  });

  it('is not taken over where the same user registers again, or where the subscription had expired', async () => {
    const { subscription } = await store.register(phone);
    await store.register({ ...phone, topics: ['*'] });
    await expire(subscription.id);
    await store.register({ ...phone, context: 2 });
    expect(await store.get(subscription.id)).toBeUndefined();
    expect([await entries(1), await entries(2)]).toEqual([[], []]);
  });

  it('has one pair of audit entries per take-over, also with concurrent registrations', async () => {
    const users = Array.from({ length: 12 }, (_, at) => ({ user: at + 1, context: (at % 3) + 1 }));
    await Promise.all(users.map((of) => store.register({ ...phone, ...of })));
    expect(await holders(phone.token)).toHaveLength(1);
    const { items } = await new AuditStore(database).list({}, { limit: 100 });
    expect(items.filter(({ action }) => action === 'subscription.lost')).toHaveLength(11);
    expect(items.filter(({ action }) => action === 'subscription.taken-over')).toHaveLength(11);
  });
});

describe('a URI that the first user keeps', () => {
  it('goes to one of many concurrent registrations', async () => {
    const users = Array.from({ length: 12 }, (_, at) => ({ user: at + 1, context: (at % 3) + 1 }));
    const results = await Promise.allSettled(users.map((of) => store.register({ ...hook, ...of }, firstKeeps)));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(11);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'TOKEN_TAKEN' });
    expect(await holders(hook.token)).toHaveLength(1);
  });

  it('can be registered again by its user, and by others after that subscription was deleted or has expired', async () => {
    const { subscription } = await store.register(hook, firstKeeps);
    const stranger = { ...hook, context: 2 };
    expect((await store.register({ ...hook, topics: ['*'] }, firstKeeps)).isNew).toBe(false);
    await expect(store.register(stranger, firstKeeps)).rejects.toMatchObject({ code: 'TOKEN_TAKEN' });
    await expire(subscription.id);
    const { subscription: second } = await store.register(stranger, firstKeeps);
    expect(await store.get(subscription.id)).toBeUndefined();
    await expect(store.register(hook, firstKeeps)).rejects.toMatchObject({ code: 'TOKEN_TAKEN' });
    await store.remove(second.id);
    await expect(store.register(hook, firstKeeps)).resolves.toMatchObject({ isNew: true });
  });

  it('stays with the first of the users who shared it', async () => {
    const shared = { ...hook, isShared: true };
    for (const user of [1, 2, 3]) await store.register({ ...shared, user }, { holder: 'last' });
    expect(await holders(hook.token)).toEqual([1, 2, 3]);
    for (const user of [2, 3, 4]) {
      const refused = store.register({ ...hook, user }, firstKeeps);
      await expect(refused).rejects.toMatchObject({ code: 'TOKEN_TAKEN' });
    }
    expect((await store.register({ ...hook, user: 1 }, firstKeeps)).isNew).toBe(false);
    expect(await holders(hook.token)).toEqual([1, 2, 3]);
  });

  it('cannot be regained by an expired subscription with a new expiry', async () => {
    const shared = { ...hook, isShared: true };
    const { subscription: first } = await store.register({ ...shared, user: 1 });
    await store.register({ ...shared, user: 2 });
    await expire(first.id);
    const later = { expiresAt: Date.now() + 60_000 };
    const refused = store.change(first.id, later, undefined, firstKeeps);
    await expect(refused).rejects.toMatchObject({ code: 'TOKEN_TAKEN' });
    await expect(store.change(first.id, { topics: ['*'] }, undefined, firstKeeps)).resolves.toBeDefined();
    await expect(store.change(first.id, later)).resolves.toMatchObject(later);
  });

  it('belongs to one user when an expired subscription is renewed while another user registers', async () => {
    for (let round = 0; round < 10; round++) {
      const token = `https://push.example.com/hook/${round}`;
      const { subscription } = await store.register({ ...hook, token }, firstKeeps);
      await expire(subscription.id);
      const [revived, registered] = await Promise.allSettled([
        store.change(subscription.id, { expiresAt: null }, undefined, firstKeeps),
        store.register({ ...hook, token, user: 15 }, firstKeeps),
      ]);
      const isRevived = revived.status === 'fulfilled' && revived.value !== undefined;
      expect([isRevived, registered.status]).toEqual([isRevived, isRevived ? 'rejected' : 'fulfilled']);
      expect(await holders(token)).toEqual([isRevived ? 14 : 15]);
    }
  });
});

describe('the limits of subscriptions', () => {
  const devices = (count: number, of: Partial<Registration> = {}) =>
    Array.from({ length: count }, (_, at) => ({ ...phone, token: `${of.client ?? 'any'}-${at}`, ...of }));

  it.each(['apns', 'fcm', 'wns', 'webhook', 'webpush'] as const)(
    'hold for each client of %s, also concurrently',
    async (transport) => {
      const limit = { maxPerClient: 3 };
      const results = await Promise.allSettled(devices(9, { transport }).map((each) => store.register(each, limit)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'SUBSCRIPTION_LIMIT' });
      }
      await expect(store.register({ ...phone, transport, client: 'another' }, limit)).resolves.toBeDefined();
      await expect(store.register({ ...phone, transport, user: 15 }, limit)).resolves.toBeDefined();
    },
  );

  it('hold for all clients together, also concurrently', async () => {
    const limit = { maxPerUser: 4 };
    const asked = ['a', 'b', 'c'].flatMap((client) => devices(3, { client }));
    const results = await Promise.allSettled(asked.map((each) => store.register(each, limit)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    const { items } = await store.list({ user: 14 }, { limit: 10 });
    expect(items).toHaveLength(4);
    await expect(store.register({ ...phone, ...items[0] }, limit)).resolves.toMatchObject({ isNew: false });
  });

  it('hold for an expired subscription with a new expiry', async () => {
    const { subscription } = await store.register(phone);
    await expire(subscription.id);
    await store.register({ ...phone, token: 'bb22' });
    const back = store.change(subscription.id, { expiresAt: null }, undefined, { maxPerClient: 1 });
    await expect(back).rejects.toMatchObject({ code: 'SUBSCRIPTION_LIMIT' });
    await expect(store.change(subscription.id, { expiresAt: null }, undefined, { maxPerClient: 2 })).resolves.toEqual(
      expect.objectContaining({ id: subscription.id }),
    );
  });
});
