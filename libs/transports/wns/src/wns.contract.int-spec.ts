import { withEnoughTime } from '@pns/local-servers/waiting';
import { pushContent } from '@pns/payloads';
import {
  type AppCredentials,
  type Arrival,
  Arrivals,
  bodyOf,
  channelLifeMs,
  headersOf,
  makeAuthority,
  startWns,
  tokenSeconds,
  type WnsChannel,
  type WnsFault,
  type WnsProvider,
} from '@pns/sandbox';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { describeTransport, type Behaviour, faultsByStatus } from '@pns/transport-contract/testing';
import { wnsOptions, type WnsOptions, WnsTransport } from './index';

// Creating keys is slow, so all tests share one authority.
const authority = makeAuthority();

const delivery: Delivery = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  notificationId: 'n-1',
  subscriptionId: 's-1',
  context: 1,
  user: 14,
  client: 'desktop',
  transport: 'wns',
  token: '',
  topic: 'ox:mail:new',
  payload: { folder: 'default0/INBOX', id: '113', displayname: 'Jane', subject: 'Grüße 👋 <b>', unread: 83 },
  priority: 'high',
  count: 1,
  timestamp: 1694677849605,
  dueAt: 1694677850605,
  attempt: 1,
};
const slow = { topic: 'ops:slow', payload: { a: Array.from({ length: 1000 }, () => 1) } };
const slowTemplate = '{{#a}}{{#a}}x{{/a}}{{/a}}';
const silent: Partial<Delivery> = { topic: 'ox:calendar:updates', payload: { folders: ['cal://0/31'] } };

/** Answers may be slow on a busy machine, so only tests of the time-out use a short one. */
const patientMs = 25_000;

/** The sandbox's Microsoft, a client that is configured for it, a channel of its app, and a clock that tests can advance. */
class Scene {
  private readonly clients = new Map<string, WnsOptions>();
  readonly transport: WnsTransport;
  readonly app: AppCredentials;
  readonly channel: WnsChannel;

  private constructor(
    readonly microsoft: WnsProvider,
    readonly arrivals: Arrivals,
    private readonly clock: { now: number },
    timeoutMs: number,
  ) {
    this.transport = new WnsTransport({
      options: (client) => this.clients.get(client),
      content: (of) => pushContent(of, { hasBadge: true, ...(of.topic === slow.topic && { title: slowTemplate }) }),
      timeoutMs,
      now: () => clock.now,
    });
    this.app = microsoft.accounts.register();
    this.channel = microsoft.openChannel(this.app.sid);
    this.configure();
  }

  static async start(timeoutMs = patientMs): Promise<Scene> {
    const arrivals = new Arrivals(5000);
    const clock = { now: Date.now() };
    const microsoft = await startWns({ port: 0, authority, arrivals, now: () => clock.now });
    return new Scene(microsoft, arrivals, clock, timeoutMs);
  }

  configure(more: object = {}, client = 'desktop'): void {
    const { host } = this.microsoft;
    const sandbox = { tokenEndpoint: this.microsoft.tokenUrl(), allowedHosts: [host], caFile: authority.cert };
    this.clients.set(client, wnsOptions.parse({ ...this.app, ...sandbox, ...more }));
  }

  forward(ms: number): void {
    this.clock.now += ms;
  }

  deliver(more: Partial<Delivery> = {}, signal = new AbortController().signal): Promise<Outcome> {
    return this.transport.deliver({ ...delivery, token: this.uri, ...more }, signal);
  }

  get uri(): string {
    return this.microsoft.uriOf(this.channel);
  }

  arrived(): Arrival[] {
    return this.arrivals.since(0);
  }

  async close(): Promise<void> {
    await this.transport.close();
    await this.microsoft.close();
    this.arrivals.close();
  }
}

const faults: Readonly<Record<Behaviour, WnsFault>> = {
  ...faultsByStatus,
  'throttles for two seconds': { status: 406, headers: { 'Retry-After': '2' } },
  'refuses our credentials': { status: 401 },
};

describeTransport('wns', async (answerMs) => {
  const scene = await Scene.start(answerMs);
  return {
    transport: scene.transport,
    delivery: { ...delivery, token: scene.uri },
    behave: (behaviour) => scene.microsoft.faults.set(faults[behaviour]),
    revokeCredentials: () => void scene.microsoft.accounts.revoke(scene.app.sid),
    mendCredentials: () => scene.configure(scene.microsoft.accounts.register({ sid: scene.app.sid })),
    arrivedIds: () => scene.arrived().map(({ request }) => headersOf(request)['x-wns-tag'] ?? ''),
    close: () => scene.close(),
  };
});

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.start();
});
afterEach(() => scene.close());

const retry = (reason: string): object => ({ kind: 'retry', reason: expect.stringContaining(reason) as string });
const misconfigured = (reason: string): object => ({
  kind: 'misconfigured',
  reason: expect.stringContaining(reason) as string,
});

describe('a push', () => {
  it('is a toast that WNS and the device take', async () => {
    expect(await scene.deliver({ expiresAt: Date.now() + 3_600_000 })).toEqual({
      kind: 'delivered',
      providerId: expect.stringMatching(/^[0-9A-F]{16}$/) as string,
    });
    const [arrival] = scene.arrived();
    expect(arrival).toMatchObject({ answer: 200, checks: [{ name: 'payload', verdict: 'valid' }] });
    expect(headersOf(arrival!.request)).toMatchObject({
      authorization: 'Bearer …',
      'content-type': 'text/xml',
      'x-wns-type': 'wns/toast',
      'x-wns-ttl': expect.stringMatching(/^3[56]\d\d$/) as string,
    });
    expect(bodyOf(arrival!.request).toString()).toContain('<text>Grüße 👋 &lt;b&gt;</text>');
  });

  it.each(['toast', 'tile', 'badge', 'raw'] as const)(
    'as a %s keeps all rules, also where it shows nothing',
    async (type) => {
      scene.configure({ type });
      for (const more of [{}, silent, { ...silent, priority: 'low' as const, expiresAt: 1 }]) {
        expect(await scene.deliver(more)).toMatchObject({ kind: 'delivered' });
      }
      const types = scene.arrived().map(({ request }) => headersOf(request)['x-wns-type']);
      expect(types).toEqual([`wns/${type}`, 'wns/raw', 'wns/raw']);
      const checks = scene.arrived().flatMap(({ checks }) => checks ?? []);
      expect(checks.every(({ verdict }) => verdict === 'valid')).toBe(true);
    },
  );

  it('that is as long as can be is not too long', async () => {
    const subject = '<'.repeat(60_000);
    for (const type of ['toast', 'tile', 'raw']) {
      scene.configure({ type });
      const payload = { ...delivery.payload, subject };
      expect(await scene.deliver({ payload })).toMatchObject({ kind: 'delivered' });
    }
  });

  it('whose templates take too long is rejected, and nothing is sent', async () => {
    expect(await scene.deliver(slow)).toEqual({
      kind: 'rejected',
      reason: 'The title template takes more than 5000 steps with this payload.',
    });
    expect(scene.arrived()).toEqual([]);
  });

  it('that is sent again has the tag of the first, and counts as the same', async () => {
    await scene.deliver();
    await scene.deliver({ attempt: 2 });
    await scene.deliver({ id: 'another' });
    expect(scene.channel.state).toMatchObject({ total: 3, accepted: 2, duplicates: 1 });
  });

  it('that takes the place of another one has its tag, and is no duplicate', async () => {
    const collapseKey = 'ox:mail:new inbox';
    await scene.deliver({ collapseKey });
    await scene.deliver({ collapseKey, id: 'newer', timestamp: delivery.timestamp + 1 });
    const tags = scene.arrived().map(({ request }) => headersOf(request)['x-wns-tag']);
    expect(tags).toEqual([tags[0], tags[0]]);
    expect(scene.channel.state).toMatchObject({ accepted: 2, duplicates: 0 });
  });

  it('goes over connections that are kept', async () => {
    for (let i = 0; i < 20; i++) expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    // The next delivery may begin before the connection of the previous one is free.
    expect(scene.microsoft.connections).toBeLessThanOrEqual(3);
  });

  it('has its verdict when the headers are there, however long the rest takes', () =>
    withEnoughTime(async (timeoutMs) => {
      await scene.close();
      scene = await Scene.start(timeoutMs);
      expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
      scene.microsoft.faults.set({ hangInBody: true });
      expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    }));
});

describe('a channel', () => {
  it('that expired or that WNS does not know any more is gone', async () => {
    scene.forward(channelLifeMs - 1000);
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    scene.forward(1000);
    expect(await scene.deliver()).toEqual({ kind: 'gone', reason: expect.stringContaining('410') as string });
    scene.microsoft.closeChannel(scene.channel.token);
    expect(await scene.deliver()).toEqual({ kind: 'gone', reason: expect.stringContaining('404') as string });
  });

  it('of another app stops its client only until another one was good, and costs nobody’s channel', async () => {
    const foreign = scene.microsoft.openChannel(scene.microsoft.accounts.register().sid);
    const token = scene.microsoft.uriOf(foreign);
    expect(await scene.deliver({ token })).toEqual(misconfigured('403'));
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    expect(await scene.deliver({ token })).toEqual({ ...misconfigured('403'), isTargetOnly: true });
    scene.configure({ type: 'tile' });
    expect(await scene.deliver({ token })).toEqual(misconfigured('403'));
  });

  it('of a device that is away keeps what it can, and a raw push too', async () => {
    scene.channel.device = 'disconnected';
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    expect(await scene.deliver(silent)).toMatchObject({ kind: 'delivered' });
  });

  it('whose device wants no pushes keeps its subscription, and is not asked again', async () => {
    scene.channel.device = 'refusing';
    expect(await scene.deliver()).toEqual({ kind: 'rejected', reason: expect.stringContaining('dropped') as string });
  });

  it.each<[string, Record<string, string>, object]>([
    [
      'dropped the push while the device is away',
      { 'X-WNS-Status': 'dropped', 'X-WNS-DeviceConnectionStatus': 'disconnected' },
      retry('dropped'),
    ],
    ['is throttled', { 'X-WNS-Status': 'channelthrottled' }, retry('channelthrottled')],
    [
      'is throttled for a time',
      { 'X-WNS-Status': 'channelthrottled', 'Retry-After': '9' },
      { ...retry('channelthrottled'), afterMs: 9000 },
    ],
  ])('that %s is tried again', async (_, headers, outcome) => {
    scene.channel.faults.set({ status: 200, headers });
    expect(await scene.deliver()).toEqual(outcome);
  });

  it('stays when the sender is blocked', async () => {
    scene.channel.faults.set({ status: 410, headers: { 'X-WNS-Error-Description': 'Domain Blocked' } });
    expect(await scene.deliver()).toEqual(misconfigured('Domain Blocked'));
  });

  it.each([
    ['at a host that is not Microsoft’s', 'https://localhost:1/w/?token=1'],
    ['without encryption', 'http://db5p.notify.windows.com/w/?token=1'],
    ['that is no URI', 'AwYAAAD'],
  ])('%s gets nothing, and nobody logs in for it', async (_, token) => {
    expect(await scene.deliver({ token })).toEqual({
      kind: 'rejected',
      reason: expect.stringContaining('notify.windows.com') as string,
    });
    expect(scene.microsoft.connections).toBe(0);
  });

  it('is reached no more once its host is not allowed any more', async () => {
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    scene.configure({ allowedHosts: [] });
    expect(await scene.deliver()).toMatchObject({ kind: 'rejected' });
    expect(scene.channel.total).toBe(1);
  });

  it('is never followed to where it redirects, and nobody else learns the access token', async () => {
    const other = scene.microsoft.openChannel(scene.app.sid);
    scene.channel.faults.set({ status: 307, headers: { Location: scene.microsoft.uriOf(other) } });
    expect(await scene.deliver()).toEqual(retry('307'));
    expect(other.total).toBe(0);
  });
});

describe('an access token', () => {
  it('is requested once for many pushes at once, and again when its time is over', async () => {
    await Promise.all(Array.from({ length: 100 }, () => scene.deliver()));
    expect(scene.microsoft.accounts.exchanges).toBe(1);
    scene.forward((tokenSeconds - 301) * 1000);
    await scene.deliver();
    expect(scene.microsoft.accounts.exchanges).toBe(1);
    scene.forward(1000);
    await scene.deliver();
    expect(scene.microsoft.accounts.exchanges).toBe(2);
  });

  it('that WNS refuses is renewed once, and all pushes that were refused go out', async () => {
    await scene.deliver();
    scene.microsoft.accounts.endTokens();
    scene.forward(60_000);
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => scene.deliver({ id: `d-${index}` })));
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(50).fill('delivered'));
    expect(scene.microsoft.accounts.exchanges).toBe(2);
    expect(scene.channel.state).toMatchObject({ accepted: 51, duplicates: 0 });
  });

  it('that is refused although it is new is not replaced by one after the other', async () => {
    scene.microsoft.faults.set({ status: 401 });
    for (let i = 0; i < 5; i++) expect(await scene.deliver()).toEqual(misconfigured('401'));
    expect(scene.microsoft.accounts.exchanges).toBe(1);
    scene.forward(5000);
    for (let i = 0; i < 5; i++) expect(await scene.deliver()).toEqual(misconfigured('401'));
    expect(scene.microsoft.accounts.exchanges).toBe(2);
    expect(scene.channel.total).toBe(11);
  });

  it('is given no more once the credentials are revoked, and again when they are mended', async () => {
    await scene.deliver();
    scene.microsoft.accounts.revoke(scene.app.sid);
    scene.forward(60_000);
    expect(await scene.deliver()).toEqual(misconfigured('400 (invalid_client)'));
    expect(await scene.deliver()).toEqual(misconfigured('400 (invalid_client)'));
    const { sid, secret } = scene.microsoft.accounts.register({ sid: scene.app.sid });
    scene.configure({ sid, secret });
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it('is asked for again a moment after a refusal, and not before', async () => {
    scene.microsoft.tokenFaults.set({ status: 400, times: 1 });
    expect(await scene.deliver()).toEqual(misconfigured('400'));
    expect(await scene.deliver()).toEqual(misconfigured('400'));
    expect(scene.channel.total).toBe(0);
    scene.forward(5000);
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it.each<[string, WnsFault, object]>([
    ['is away', { status: 503 }, retry('503')],
    ['is busy', { status: 429, headers: { 'Retry-After': '7' } }, { ...retry('429'), afterMs: 7000 }],
    ['breaks off', { reset: true }, retry('token endpoint failed')],
    ['answers something else than a token', { status: 200 }, misconfigured('200')],
    ['redirects', { status: 302, headers: { Location: 'https://localhost/' } }, misconfigured('302')],
  ])('costs nothing when its endpoint %s', async (_, fault, outcome) => {
    scene.microsoft.tokenFaults.set({ ...fault, times: 1 });
    expect(await scene.deliver()).toEqual(outcome);
    expect(scene.channel.total).toBe(0);
    scene.forward(7000);
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it('is not waited for longer than granted, nor by a push that is aborted', async () => {
    await scene.close();
    scene = await Scene.start(500);
    scene.microsoft.tokenFaults.set({ hang: true });
    const stop = new AbortController();
    const [aborted, waiting] = [scene.deliver({}, stop.signal), scene.deliver()];
    stop.abort(new Error('stopping'));
    await expect(aborted).rejects.toThrow('stopping');
    expect(await waiting).toEqual(retry('did not answer within 500 ms'));
  });

  it('comes from Microsoft Entra for an app that is registered there', async () => {
    const tenantId = '0b1a2c3d-1111-2222-3333-444455556666';
    const app = scene.microsoft.accounts.register({ tenantId });
    const channel = scene.microsoft.openChannel(app.sid);
    const token = scene.microsoft.uriOf(channel);
    scene.configure({ ...app, tokenEndpoint: scene.microsoft.tokenUrl(tenantId) });
    expect(await scene.deliver({ token })).toMatchObject({ kind: 'delivered' });
    scene.configure({ ...app, secret: 'wrong', tokenEndpoint: scene.microsoft.tokenUrl(tenantId) });
    expect(await scene.deliver({ token })).toEqual(misconfigured('401 (invalid_client)'));
  });
});

describe('a client', () => {
  it('that is not in the configuration, or switched off, says so', async () => {
    expect(await scene.deliver({ client: 'phone' })).toEqual(misconfigured('There is no WNS client phone'));
    scene.configure({ enabled: false });
    expect(await scene.deliver()).toEqual(misconfigured('switched off'));
    scene.configure();
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it('whose credentials are wrong does not touch another one', async () => {
    scene.configure({ secret: 'wrong' }, 'broken');
    const outcomes = await Promise.all([scene.deliver({ client: 'broken' }), scene.deliver()]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['misconfigured', 'delivered']);
  });

  it('whose options change lets what is on its way finish', async () => {
    await scene.deliver();
    scene.microsoft.faults.set({ delayMs: 200, times: 1 });
    const onItsWay = scene.deliver();
    scene.configure({ type: 'raw' });
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    expect(await onItsWay).toMatchObject({ kind: 'delivered' });
  });

  it('that does not trust Microsoft’s certificate sends nothing', async () => {
    scene.configure({ caFile: undefined });
    expect(await scene.deliver()).toEqual(retry('UNABLE_TO_VERIFY_LEAF_SIGNATURE'));
    expect(scene.arrived()).toEqual([]);
  });

  it('is closed when what is on its way has ended', async () => {
    await scene.deliver();
    scene.microsoft.faults.set({ delayMs: 200 });
    const onItsWay = scene.deliver();
    await scene.transport.close();
    expect(await onItsWay).toMatchObject({ kind: 'delivered' });
  });

  it('gives away neither tokens nor secrets with its reasons', async () => {
    const reasons: string[] = [];
    for (const fault of [{ status: 500 }, { reset: true }, { status: 401 }, { status: 404 }]) {
      scene.microsoft.faults.set(fault);
      reasons.push(JSON.stringify(await scene.deliver()));
    }
    scene.configure({ secret: 'very-secret' });
    reasons.push(JSON.stringify(await scene.deliver()));
    for (const secret of [
      scene.channel.token,
      encodeURIComponent(scene.channel.token),
      'very-secret',
      scene.app.secret,
      'EgAcAQ',
    ]) {
      expect(reasons.join()).not.toContain(secret);
    }
  });
});
