import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { withEnoughTime } from '@pns/local-servers/waiting';
import { pushContent } from '@pns/payloads';
import {
  type ApnsFault,
  type ApnsProvider,
  type ApnsProviderOptions,
  type Arrival,
  Arrivals,
  bodyOf,
  headersOf,
  makeAuthority,
  startApns,
} from '@pns/sandbox';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { describeTransport, type Behaviour } from '@pns/transport-contract/testing';
import { apnsOptions, type ApnsOptions, ApnsTransport, type ApnsTransportParts } from './index';

const authority = makeAuthority();
const topic = 'com.example.mail';
const device = 'a1'.repeat(32);

const deliveryTo = (token = device, changes: Partial<Delivery> = {}): Delivery => ({
  id: 'Jx3nZ2mOYwQm0oUqg5f7tF1rX1s',
  notificationId: 'n-1',
  subscriptionId: 's-1',
  context: 1,
  user: 14,
  client: 'mail',
  transport: 'apns',
  token,
  topic: 'ox:mail:new',
  payload: { folder: 'default0/INBOX', id: '113', displayname: 'Jane Doe', subject: "Let's meet", unread: 83 },
  priority: 'high',
  count: 1,
  timestamp: Date.now(),
  dueAt: Date.now(),
  attempt: 1,
  ...changes,
});

/** The sandbox's Apple, and transports that are configured for it. */
class Scene {
  readonly arrivals = new Arrivals(20_000);
  readonly clients = new Map<string, ApnsOptions>();
  private readonly transports: ApnsTransport[] = [];

  private constructor(readonly apple: ApnsProvider) {}

  static async start(options: Partial<ApnsProviderOptions> = {}): Promise<Scene> {
    const arrivals = new Arrivals(20_000);
    const scene = new Scene(await startApns({ port: 0, authority, arrivals, ...options }));
    arrivals.onArrival((arrival) => scene.arrivals.add({ ...arrival, check: () => [] }));
    scene.useKey('mail', topic);
    return scene;
  }

  private get far(): object {
    return { endpoint: this.apple.url, caFile: authority.cert };
  }

  /** Gives the client a new signing key. */
  useKey(client: string, ofTopic: string, keyid = 'KEY0000001'): void {
    const key = this.apple.accounts.createKey(keyid, { teamid: 'TEAM000001' });
    this.clients.set(client, apnsOptions.parse({ authtype: 'jwt', ...key, topic: ofTopic, ...this.far }));
  }

  /** Gives the client a new certificate. */
  useCertificate(client: string, ofTopic: string): void {
    const keystore = this.apple.accounts.createCertificate(ofTopic, 'secret').toString('base64');
    this.clients.set(client, apnsOptions.parse({ keystore, password: 'secret', ...this.far }));
  }

  transport(parts: Partial<ApnsTransportParts> = {}): ApnsTransport {
    const transport = new ApnsTransport({
      options: (client) => this.clients.get(client),
      content: (delivery) => pushContent(delivery, { hasBadge: true, sound: 'default' }),
      ...parts,
    });
    this.transports.push(transport);
    return transport;
  }

  async close(): Promise<void> {
    await Promise.all(this.transports.map((transport) => transport.close()));
    await this.apple.close();
  }
}

const never = new AbortController().signal;

const send = (transport: ApnsTransport, ...to: Parameters<typeof deliveryTo>): Promise<Outcome> =>
  transport.deliver(deliveryTo(...to), never);

/** `count` different deliveries, each to a separate device. */
const many = (count: number, changes: Partial<Delivery> = {}): Delivery[] =>
  Array.from({ length: count }, (_, index) =>
    deliveryTo(index.toString(16).padStart(64, '0'), { id: `d-${index}`, ...changes }),
  );

const kinds = (outcomes: readonly Outcome[]): Record<string, number> => {
  const counted: Record<string, number> = {};
  for (const { kind } of outcomes) counted[kind] = (counted[kind] ?? 0) + 1;
  return counted;
};

const faults: Readonly<Record<Behaviour, ApnsFault>> = {
  accepts: {},
  hangs: { hang: true },
  'drops the connection': { reset: true },
  'throttles for two seconds': { status: 429, reason: 'TooManyRequests', retryAfterSeconds: 2 },
  'has removed the target': { status: 410, reason: 'Unregistered' },
  'finds the payload too large': { status: 413, reason: 'PayloadTooLarge' },
  'refuses our credentials': { status: 403, reason: 'InvalidProviderToken' },
};

describeTransport('apns', async (answerMs) => {
  const scene = await Scene.start();
  return {
    transport: scene.transport({ times: { answerMs } }),
    delivery: deliveryTo(),
    behave: (behaviour) => scene.apple.faults.set(faults[behaviour]),
    revokeCredentials: () => void scene.apple.accounts.revokeKey('KEY0000001'),
    mendCredentials: () => scene.useKey('mail', topic, 'KEY0000002'),
    arrivedIds: () => scene.arrivals.since(0).map(({ request }) => headersOf(request)['apns-id'] ?? ''),
    close: () => scene.close(),
  };
});

describe('a push', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.start();
  });
  afterEach(() => scene.close());

  it('has the headers and the body that Apple requires, and the provider token of its key', async () => {
    expect(await send(scene.transport())).toEqual({ kind: 'delivered' });
    const [arrival] = scene.arrivals.since(0) as [Arrival];
    expect(arrival).toMatchObject({ target: device, answer: 200, request: { path: `/3/device/${device}` } });
    expect(JSON.parse(bodyOf(arrival.request).toString())).toEqual({
      aps: {
        alert: { title: "Let's meet", body: "Jane Doe\nLet's meet" },
        badge: 83,
        sound: 'default',
        category: 'new-message-category',
      },
      cid: 'default0/INBOX/113',
      namespace: '/',
    });
    expect(headersOf(arrival.request)).toMatchObject({
      'apns-topic': topic,
      'apns-push-type': 'alert',
      'apns-priority': '10',
      authorization: 'bearer …',
    });
  });

  it('is a background push if there is nothing to show', async () => {
    expect(
      await send(scene.transport(), device, { topic: 'ox:mail:read', payload: { folder: 'default0/INBOX' } }),
    ).toEqual({
      kind: 'delivered',
    });
    expect(headersOf((scene.arrivals.since(0) as [Arrival])[0].request)).toMatchObject({
      'apns-push-type': 'background',
      'apns-priority': '5',
    });
  });

  it('whose templates take too long is rejected, and nothing is sent', async () => {
    const title = '{{#a}}{{#a}}x{{/a}}{{/a}}';
    const transport = scene.transport({ content: (delivery) => pushContent(delivery, { hasBadge: true, title }) });
    const payload = { folder: 'default0/INBOX', a: Array.from({ length: 1000 }, () => 1) };
    expect(await send(transport, device, { payload })).toEqual({
      kind: 'rejected',
      reason: 'The title template takes more than 5000 steps with this payload.',
    });
    expect(scene.arrivals.since(0)).toEqual([]);
  });

  it('is sent with a certificate, to the topic of the certificate', async () => {
    scene.useCertificate('mail', topic);
    expect(await send(scene.transport())).toEqual({ kind: 'delivered' });
    expect(headersOf((scene.arrivals.since(0) as [Arrival])[0].request)).toMatchObject({ 'apns-topic': topic });
  });

  it('to a malformed device token is not sent', async () => {
    expect(await send(scene.transport(), '../../etc')).toMatchObject({ kind: 'gone' });
    expect(scene.apple.connections.total).toBe(0);
  });

  it('for a client that is unknown or switched off is not sent', async () => {
    const transport = scene.transport();
    scene.clients.set('off', apnsOptions.parse({ enabled: false }));
    expect(await send(transport, device, { client: 'toString' })).toEqual({
      kind: 'misconfigured',
      reason: 'There is no APNs client toString in the configuration.',
    });
    expect(await send(transport, device, { client: 'off' })).toMatchObject({ kind: 'misconfigured' });
    expect(scene.apple.connections.total).toBe(0);
  });

  it('answered with BadDeviceToken ends its subscription only after another push was accepted', async () => {
    const transport = scene.transport();
    scene.apple.device(device).faults.set({ status: 400, reason: 'BadDeviceToken' });
    const unproven = await send(transport);
    expect(unproven).toMatchObject({ kind: 'misconfigured', reason: expect.stringContaining('production') as string });
    expect(unproven).not.toHaveProperty('isTargetOnly');
    expect(await send(transport, 'b2'.repeat(32))).toEqual({ kind: 'delivered' });
    expect(await send(transport)).toMatchObject({ kind: 'gone' });
  });

  it('to a device of another app holds its client only until another push was accepted, and ends no subscription', async () => {
    const transport = scene.transport();
    scene.useCertificate('another', 'com.example.other');
    expect(await send(transport, device, { client: 'another' })).toEqual({ kind: 'delivered' });
    const notForTopic = {
      kind: 'misconfigured',
      reason: expect.stringContaining('DeviceTokenNotForTopic') as string,
    };
    expect(await send(transport)).toEqual(notForTopic);
    expect(await send(transport, 'b2'.repeat(32))).toEqual({ kind: 'delivered' });
    expect(await send(transport)).toEqual({ ...notForTopic, isTargetOnly: true });
    scene.useKey('mail', topic, 'KEY0000002');
    expect(await send(transport)).toEqual(notForTopic);
  });

  it('to an invalid device token returns the time since which the token is invalid', async () => {
    const before = Date.now();
    scene.apple.faults.set({ status: 410, reason: 'Unregistered' });
    const outcome = await send(scene.transport());
    expect(outcome).toMatchObject({ kind: 'gone', since: expect.any(Number) as number });
    expect((outcome as { since: number }).since).toBeGreaterThanOrEqual(before);
  });

  it('whose answer ends after the status has the outcome of the status', () =>
    withEnoughTime(async (answerMs) => {
      scene.apple.faults.set({ status: 410, reason: 'Unregistered', hangAfterHeaders: true });
      expect(await send(scene.transport({ times: { answerMs } }))).toMatchObject({ kind: 'gone' });
    }));
});

describe('10,000 pushes', () => {
  // The time-out is long, because the machine may be busy and these tests are not about time-outs.
  const times = { answerMs: 100_000 };

  let scene: Scene;
  afterEach(() => scene.close());

  it('of several workers have one provider token, and each worker has at most two connections', async () => {
    scene = await Scene.start();
    // The clocks do not advance, so that no token is replaced during the test.
    const now = Date.now();
    const [first, second] = [scene.transport({ times, now: () => now }), scene.transport({ times, now: () => now })];
    const outcomes = await Promise.all(
      many(10_000).map((each, index) => (index % 2 ? first : second).deliver(each, never)),
    );
    expect(kinds(outcomes)).toEqual({ delivered: 10_000 });
    expect(scene.apple.accounts.tokensByKey()).toMatchObject([{ keyid: 'KEY0000001', tokens: 1 }]);
    expect(scene.apple.connections.peak).toBeLessThanOrEqual(4);
    expect(scene.apple.connections.total).toBe(scene.apple.connections.peak);
    expect(scene.apple.known().filter(({ accepted }) => accepted === 1)).toHaveLength(10_000);
  });

  it.each([10_000, 100])(
    'are sent exactly once each if Apple sends GOAWAY every 1,000 streams, with %i at once',
    async (some) => {
      scene = await Scene.start();
      scene.apple.goAwayAfter = 1000;
      const transport = scene.transport({ times });
      const all = many(10_000);
      const outcomes: Outcome[] = [];
      while (outcomes.length < all.length) {
        const next = all.slice(outcomes.length, outcomes.length + some);
        outcomes.push(...(await Promise.all(next.map((each) => transport.deliver(each, never)))));
      }
      expect(kinds(outcomes)).toEqual({ delivered: 10_000 });
      expect(scene.apple.known().filter(({ total }) => total === 1)).toHaveLength(10_000);
      expect(scene.apple.connections.total).toBeGreaterThanOrEqual(10);
      expect(scene.apple.connections.peak).toBeLessThanOrEqual(2);
    },
  );

  it('never have more concurrent streams than Apple allows', async () => {
    scene = await Scene.start({ maxStreams: 7 });
    const transport = scene.transport({ times });
    // The sandbox refuses streams beyond its limit, and counts the pushes to each device.
    const outcomes = await Promise.all(many(500).map((each) => transport.deliver(each, never)));
    expect(kinds(outcomes)).toEqual({ delivered: 500 });
    expect(scene.apple.known().filter(({ total }) => total === 1)).toHaveLength(500);
    expect(scene.apple.connections.total).toBeLessThanOrEqual(2);
  });
});

describe('a connection', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.start();
  });
  afterEach(() => scene.close());

  it('that no longer answers is closed, and its pushes are retried', () =>
    withEnoughTime(async (pongMs) => {
      const before = scene.apple.connections.total;
      const transport = scene.transport({ times: { silentMs: 100, pongMs, idleMs: 60_000 } });
      expect(await send(transport)).toEqual({ kind: 'delivered' });
      scene.apple.faults.set({ silence: true, times: 1 });
      expect(await send(transport)).toMatchObject({ kind: 'retry', reason: expect.stringContaining('PING') as string });
      expect(await send(transport)).toEqual({ kind: 'delivered' });
      expect(scene.apple.connections.total - before).toBe(2);
    }));

  it('that answers PINGs stays open', async () => {
    // The first push is answered before the second is sent, so that no PING is in progress then.
    const transport = scene.transport({ times: { silentMs: 300, pongMs: 25_000, idleMs: 60_000 } });
    await send(transport);
    scene.apple.faults.set({ delayMs: 2000, times: 1 });
    expect(await send(transport)).toEqual({ kind: 'delivered' });
    expect(scene.apple.connections.total).toBe(1);
  });

  it('that cannot be opened is attempted less and less often, and other clients are not affected', async () => {
    const dead = await startApns({ port: 0, authority, arrivals: scene.arrivals });
    const { url } = dead;
    await dead.close();
    const transport = scene.transport();
    scene.clients.set('dead', apnsOptions.parse({ ...scene.clients.get('mail'), endpoint: url }));
    expect(await send(transport, device, { client: 'dead' })).toEqual({
      kind: 'retry',
      reason: 'The connection to Apple failed (ECONNREFUSED).',
    });
    const deferred = await send(transport, device, { client: 'dead' });
    expect(deferred).toMatchObject({ kind: 'retry', afterMs: expect.any(Number) as number, isDeferred: true });
    expect(await send(transport)).toEqual({ kind: 'delivered' });
  });

  it('to a server without a trusted certificate is not used', async () => {
    scene.clients.set('mail', apnsOptions.parse({ ...scene.clients.get('mail'), caFile: undefined }));
    expect(await send(scene.transport())).toMatchObject({ kind: 'retry' });
    expect(scene.arrivals.lastSeq).toBe(0);
  });

  it.each([
    ['BadCertificate', 'misconfigured'],
    ['Shutdown', 'retry'],
  ])('that Apple ends with %s before it processes the pushes has the outcome %s', async (reason, kind) => {
    const server = createSecureServer(authority.server);
    server.on('session', (session) => {
      session.goaway(0, 0, Buffer.from(JSON.stringify({ reason })));
      session.close();
    });
    server.listen(0);
    await once(server, 'listening');
    const endpoint = `https://localhost:${(server.address() as AddressInfo).port}`;
    scene.clients.set('mail', apnsOptions.parse({ ...scene.clients.get('mail'), endpoint }));
    expect(await send(scene.transport())).toMatchObject({ kind });
    server.close();
  });

  it('is not opened with an expired certificate', async () => {
    scene.useCertificate('mail', topic);
    const inAYear = (): number => Date.now() + 365 * 86_400_000;
    expect(await send(scene.transport({ now: inAYear }))).toMatchObject({
      kind: 'misconfigured',
      reason: expect.stringContaining('expired on') as string,
    });
    expect(scene.apple.connections.total).toBe(0);
  });

  it('is replaced when the options change, and pushes in progress end on the old one', async () => {
    const transport = scene.transport();
    scene.apple.faults.set({ delayMs: 300, times: 1 });
    const slow = send(transport, device, { id: 'slow' });
    await scene.arrivals.next(() => true, 10_000);
    scene.useKey('mail', topic, 'KEY0000002');
    expect(await send(transport, device, { id: 'next' })).toEqual({ kind: 'delivered' });
    expect(await slow).toEqual({ kind: 'delivered' });
    expect(scene.apple.connections.total).toBe(2);
  });

  it('closes when the pushes in progress have ended', async () => {
    const transport = scene.transport();
    scene.apple.faults.set({ delayMs: 300, times: 1 });
    const slow = send(transport);
    await scene.arrivals.next(() => true, 10_000);
    await transport.close();
    expect(await slow).toEqual({ kind: 'delivered' });
  });
});

describe('three apps', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.start();
    scene.useKey('first', 'com.example.first', 'FIRST00001');
    scene.useKey('second', 'com.example.second', 'SECOND0001');
    scene.useCertificate('third', 'com.example.third');
  });
  afterEach(() => scene.close());

  const apps = ['first', 'second', 'third'];
  const tokenOf = (client: string): string => Buffer.from(client.padEnd(32)).toString('hex');
  const all = async (transport: ApnsTransport): Promise<string[]> => {
    const outcomes = apps.map((client) => send(transport, tokenOf(client), { client, id: client }));
    return (await Promise.all(outcomes)).map(({ kind }) => kind);
  };

  it.each([
    ['second', ['delivered', 'misconfigured', 'delivered']],
    ['third', ['delivered', 'delivered', 'misconfigured']],
  ])(
    'with three credentials: if those of the %s are revoked, only its pushes are held until they are corrected',
    async (revoked, expected) => {
      const transport = scene.transport();
      expect(await all(transport)).toEqual(['delivered', 'delivered', 'delivered']);
      if (revoked === 'second') scene.apple.accounts.revokeKey('SECOND0001');
      else scene.apple.accounts.revokeCertificates('com.example.third');
      expect(await all(transport)).toEqual(expected);
      if (revoked === 'second') scene.useKey('second', 'com.example.second', 'SECOND0002');
      else scene.useCertificate('third', 'com.example.third');
      expect(await all(transport)).toEqual(['delivered', 'delivered', 'delivered']);
    },
  );
});

describe('a provider token', () => {
  let scene: Scene;
  let now: number;
  beforeEach(async () => {
    now = Date.now();
    scene = await Scene.start({ now: () => now });
  });
  afterEach(() => scene.close());

  it('is replaced before it expires, and not more often than Apple allows, during three hours', async () => {
    const fleet = [scene.transport({ now: () => now }), scene.transport({ now: () => now })];
    const minutes = 180;
    for (let minute = 0; minute < minutes; minute++, now += 60_000) {
      const outcomes = await Promise.all(fleet.map((transport) => send(transport)));
      expect(outcomes).toEqual([{ kind: 'delivered' }, { kind: 'delivered' }]);
    }
    expect(scene.apple.accounts.tokensByKey()[0]?.tokens).toBeLessThanOrEqual(Math.ceil(minutes / 40) + 1);
  });

  it('is accepted if the clock of the machine is wrong by minutes', async () => {
    for (const offMs of [-14 * 60_000, 4 * 60_000]) {
      now += 60 * 60_000;
      expect(await send(scene.transport({ now: () => now + offMs }))).toEqual({ kind: 'delivered' });
    }
  });

  it('leads to a retry if the clock of the machine is hours behind, and the reason names the clock', async () => {
    expect(await send(scene.transport({ now: () => now - 2 * 3_600_000 }))).toEqual({
      kind: 'retry',
      reason: 'Apple answered 403 ExpiredProviderToken: check the clock of this machine',
    });
  });
});
