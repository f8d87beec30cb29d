import { eventually } from '@pns/local-servers/waiting';
import type { Providers } from '@pns/sandbox';
import { System } from './system';

jest.setTimeout(240_000);

const client = 'mail';

let system: System;
let providers: Providers;
let lastUser = 0;

/** The number of the current provider token. A new token replaces it every 40 minutes. See docs/adr/0008. */
const turn = (): number => Math.floor((Date.now() / 60_000 - 5) / 40);
const firstTurn = turn();

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
    hasProviders: true,
    processes: { 'worker-websocket': 0, 'worker-webhook': 0, 'worker-apns': 1 },
    properties: {
      'com.openexchange.pns.delayDuration': 0,
      'com.openexchange.pns.retry.baseDelay': 500,
      'com.openexchange.pns.transport.apn.ios.enabled': 'true',
    },
  });
  providers = system.sandbox.providers as Providers;
  await system.expect(200, 'PUT', `/v1/clients/${client}/transports/apns`, {
    authtype: 'jwt',
    ...providers.apns.accounts.createKey('MAILKEY001', { teamid: 'TEAM000001' }),
    topic: 'com.example.mail',
    endpoint: providers.apns.url,
    caFile: providers.authority.cert,
  });
});

afterAll(() => system?.stop());

interface Phone {
  readonly user: number;
  readonly token: string;
}

/** Registers a phone for a new user. */
async function phone(): Promise<Phone> {
  const user = ++lastUser;
  const token = user.toString(16).padStart(64, '0');
  const subscription = { context: 1, user, client, transport: 'apns', token, topics: ['*'] };
  await system.expect(201, 'POST', '/v1/subscriptions', subscription);
  return { user, token };
}

/** Posts `count` different notifications to each of the phones' users. */
async function post(phones: readonly Phone[], count: number): Promise<void> {
  const users = phones.map(({ user }) => user);
  const notifications = Array.from({ length: count }, (_, index) => {
    const payload = { folder: 'default0/INBOX', id: `${index}`, subject: `Mail ${index}` };
    return { context: 1, users, topic: 'ox:mail:new', payload };
  });
  await system.expect(202, 'POST', '/v1/notifications', { notifications });
}

/** The number of attempts of all workers with this outcome, from their metrics. */
async function attempts(outcome: string): Promise<number> {
  const counts = system
    .all('worker-apns')
    .map(async (worker) =>
      (await worker.metric('pns_deliveries_total')).get(`{transport="apns",outcome="${outcome}"}`),
    );
  return (await Promise.all(counts)).reduce<number>((sum, count = 0) => sum + count, 0);
}

function sumOf(phones: readonly Phone[], count: 'total' | 'accepted' | 'duplicates'): number {
  return phones.reduce((sum, { token }) => sum + providers.apns.device(token)[count], 0);
}

describe('10,000 pushes to an Apple that ends connections after a thousand', () => {
  beforeAll(() => (providers.apns.goAwayAfter = 1000));
  afterAll(() => (providers.apns.goAwayAfter = Infinity));

  it.each([1, 2])(
    'are neither lost nor doubled by a fleet of %i, which has one provider token and two connections each at most',
    async (workers) => {
      while (system.all('worker-apns').length < workers) await system.add('worker-apns');
      const { connections } = providers.apns;
      const [deliveredBefore, connectionsBefore] = [await attempts('delivered'), connections.total];
      connections.peak = connections.open;
      const phones = await Promise.all(Array.from({ length: 100 }, phone));
      await post(phones, 100);
      const areDelivered = async () => (await attempts('delivered')) - deliveredBefore >= 10_000;
      await eventually('10,000 pushes are delivered', areDelivered, 150_000);
      expect(phones.map(({ token }) => providers.apns.device(token).accepted)).toEqual(Array(100).fill(100));
      expect([sumOf(phones, 'total'), sumOf(phones, 'duplicates')]).toEqual([10_000, 0]);
      expect(await attempts('delivered')).toBe(deliveredBefore + 10_000);
      expect(await attempts('retry')).toBe(0);
      expect(connections.total - connectionsBefore).toBeGreaterThanOrEqual(9);
      expect(connections.peak).toBeLessThanOrEqual(2 * workers);
      const [, mail] = providers.apns.accounts.tokensByKey();
      expect(mail).toMatchObject({ keyid: 'MAILKEY001' });
      expect(mail?.tokens).toBeLessThanOrEqual(1 + turn() - firstTurn);
    },
  );
});

it('a silent connection is detected within 15 s, and its pushes are delivered', async () => {
  const failed = () =>
    system
      .all('worker-apns')
      .flatMap((worker) => worker.logged('delivery.attempted'))
      .filter(({ outcome }) => outcome === 'retry');
  const detected: number[] = [];
  // The detection takes 12.5 s at most. A busy machine may add some seconds, so there are up to three rounds.
  while (!(Math.min(...detected) <= 15_000) && detected.length < 3) {
    const phones = [await phone()];
    const device = providers.apns.device((phones[0] as Phone).token);
    await post(phones, 1);
    await eventually('the first push has arrived', () => device.accepted === 1);
    device.faults.set({ silence: true, times: 1 });
    const [before, silentFrom] = [failed().length, Date.now()];
    await post(phones, 50);
    await eventually('all pushes have arrived', () => device.accepted === 51);
    const retried = failed().slice(before);
    expect(retried.length).toBeGreaterThan(0);
    for (const { reason } of retried) expect(reason).toContain('PING');
    const times = retried.map(({ time }) => Number(new Date(time as string | number)));
    detected.push(Math.max(...times) - silentFrom);
  }
  expect(Math.min(...detected)).toBeLessThanOrEqual(15_000);
});
