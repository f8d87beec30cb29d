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
import { describeTransport, type Behaviour, faultsByStatus, patientMs } from '@pns/transport-contract/testing';
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
  it('is a toast that WNS and the device accept', async () => {
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
    'as a %s follows all rules of WNS, also if it shows nothing',
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

  it('with the longest texts is accepted', async () => {
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

  it('that is repeated has the tag of the first attempt, and counts as a duplicate', async () => {
    await scene.deliver();
    await scene.deliver({ attempt: 2 });
    await scene.deliver({ id: 'another' });
    expect(scene.channel.state).toMatchObject({ total: 3, accepted: 2, duplicates: 1 });
  });

  it('that replaces another one has the same tag, and is not a duplicate', async () => {
    const collapseKey = 'ox:mail:new inbox';
    await scene.deliver({ collapseKey });
    await scene.deliver({ collapseKey, id: 'newer', timestamp: delivery.timestamp + 1 });
    const tags = scene.arrived().map(({ request }) => headersOf(request)['x-wns-tag']);
    expect(tags).toEqual([tags[0], tags[0]]);
    expect(scene.channel.state).toMatchObject({ accepted: 2, duplicates: 0 });
  });

  it('is sent over connections that stay open', async () => {
    for (let i = 0; i < 20; i++) expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    // The next delivery may begin before the connection of the previous delivery is free, and then opens another one.
    expect(scene.microsoft.connections).toBeLessThanOrEqual(3);
  });

  it('has its outcome when the headers of the answer have arrived, also if the body is late', () =>
    withEnoughTime(async (timeoutMs) => {
      await scene.close();
      scene = await Scene.start(timeoutMs);
      expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
      scene.microsoft.faults.set({ hangInBody: true });
      expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    }));
});

describe('a channel', () => {
  it('that has expired or that WNS no longer knows has the outcome gone', async () => {
    scene.forward(channelLifeMs - 1000);
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    scene.forward(1000);
    expect(await scene.deliver()).toEqual({ kind: 'gone', reason: expect.stringContaining('410') as string });
    scene.microsoft.closeChannel(scene.channel.token);
    expect(await scene.deliver()).toEqual({ kind: 'gone', reason: expect.stringContaining('404') as string });
  });

  it('of another app holds its client only until another push was accepted, and ends no subscription', async () => {
    const foreign = scene.microsoft.openChannel(scene.microsoft.accounts.register().sid);
    const token = scene.microsoft.uriOf(foreign);
    expect(await scene.deliver({ token })).toEqual(misconfigured('403'));
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    expect(await scene.deliver({ token })).toEqual({ ...misconfigured('403'), isTargetOnly: true });
    scene.configure({ type: 'tile' });
    expect(await scene.deliver({ token })).toEqual(misconfigured('403'));
  });

  it('of a disconnected device stores pushes, raw ones too', async () => {
    scene.channel.device = 'disconnected';
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    expect(await scene.deliver(silent)).toMatchObject({ kind: 'delivered' });
  });

  it('whose user has switched off pushes keeps its subscription, and the push is not retried', async () => {
    scene.channel.device = 'refusing';
    expect(await scene.deliver()).toEqual({ kind: 'rejected', reason: expect.stringContaining('dropped') as string });
  });

  it.each<[string, Record<string, string>, object]>([
    [
      'drops the push while the device is disconnected',
      { 'X-WNS-Status': 'dropped', 'X-WNS-DeviceConnectionStatus': 'disconnected' },
      retry('dropped'),
    ],
    ['is throttled', { 'X-WNS-Status': 'channelthrottled' }, retry('channelthrottled')],
    [
      'is throttled with Retry-After',
      { 'X-WNS-Status': 'channelthrottled', 'Retry-After': '9' },
      { ...retry('channelthrottled'), afterMs: 9000 },
    ],
  ])('that %s leads to a retry', async (_, headers, outcome) => {
    scene.channel.faults.set({ status: 200, headers });
    expect(await scene.deliver()).toEqual(outcome);
  });

  it('keeps its subscription if the sender is blocked', async () => {
    scene.channel.faults.set({ status: 410, headers: { 'X-WNS-Error-Description': 'Domain Blocked' } });
    expect(await scene.deliver()).toEqual(misconfigured('Domain Blocked'));
  });

  it.each([
    ['at a host that is not Microsoft’s', 'https://localhost:1/w/?token=1'],
    ['without encryption', 'http://db5p.notify.windows.com/w/?token=1'],
    ['that is not a URI', 'AwYAAAD'],
  ])('%s gets no push, and no access token is requested for it', async (_, token) => {
    expect(await scene.deliver({ token })).toEqual({
      kind: 'rejected',
      reason: expect.stringContaining('notify.windows.com') as string,
    });
    expect(scene.microsoft.connections).toBe(0);
  });

  it('gets no push after its host is removed from allowedHosts', async () => {
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    scene.configure({ allowedHosts: [] });
    expect(await scene.deliver()).toMatchObject({ kind: 'rejected' });
    expect(scene.channel.total).toBe(1);
  });

  it('that redirects is not followed, so no other server receives the access token', async () => {
    const other = scene.microsoft.openChannel(scene.app.sid);
    scene.channel.faults.set({ status: 307, headers: { Location: scene.microsoft.uriOf(other) } });
    expect(await scene.deliver()).toEqual(retry('307'));
    expect(other.total).toBe(0);
  });
});

describe('an access token', () => {
  it('is requested once for many pushes at once, and again before it expires', async () => {
    await Promise.all(Array.from({ length: 100 }, () => scene.deliver()));
    expect(scene.microsoft.accounts.exchanges).toBe(1);
    scene.forward((tokenSeconds - 301) * 1000);
    await scene.deliver();
    expect(scene.microsoft.accounts.exchanges).toBe(1);
    scene.forward(1000);
    await scene.deliver();
    expect(scene.microsoft.accounts.exchanges).toBe(2);
  });

  it('that WNS refuses is renewed once, and all refused pushes are sent', async () => {
    await scene.deliver();
    scene.microsoft.accounts.endTokens();
    scene.forward(60_000);
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, index) => scene.deliver({ id: `d-${index}` })));
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(50).fill('delivered'));
    expect(scene.microsoft.accounts.exchanges).toBe(2);
    expect(scene.channel.state).toMatchObject({ accepted: 51, duplicates: 0 });
  });

  it('that is refused is not replaced while it is younger than 5 s', async () => {
    scene.microsoft.faults.set({ status: 401 });
    for (let i = 0; i < 5; i++) expect(await scene.deliver()).toEqual(misconfigured('401'));
    expect(scene.microsoft.accounts.exchanges).toBe(1);
    scene.forward(5000);
    for (let i = 0; i < 5; i++) expect(await scene.deliver()).toEqual(misconfigured('401'));
    expect(scene.microsoft.accounts.exchanges).toBe(2);
    expect(scene.channel.total).toBe(11);
  });

  it('is refused after the credentials were revoked, and issued after they were corrected', async () => {
    await scene.deliver();
    scene.microsoft.accounts.revoke(scene.app.sid);
    scene.forward(60_000);
    expect(await scene.deliver()).toEqual(misconfigured('400 (invalid_client)'));
    expect(await scene.deliver()).toEqual(misconfigured('400 (invalid_client)'));
    const { sid, secret } = scene.microsoft.accounts.register({ sid: scene.app.sid });
    scene.configure({ sid, secret });
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it('is requested again 5 s after a refusal, and not before', async () => {
    scene.microsoft.tokenFaults.set({ status: 400, times: 1 });
    expect(await scene.deliver()).toEqual(misconfigured('400'));
    expect(await scene.deliver()).toEqual(misconfigured('400'));
    expect(scene.channel.total).toBe(0);
    scene.forward(5000);
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it.each<[string, WnsFault, object]>([
    ['answers 503', { status: 503 }, retry('503')],
    ['answers 429', { status: 429, headers: { 'Retry-After': '7' } }, { ...retry('429'), afterMs: 7000 }],
    ['closes the connection', { reset: true }, retry('token endpoint failed')],
    ['answers without a token', { status: 200 }, misconfigured('200')],
    ['redirects', { status: 302, headers: { Location: 'https://localhost/' } }, misconfigured('302')],
  ])('is requested again later if the token endpoint %s', async (_, fault, outcome) => {
    scene.microsoft.tokenFaults.set({ ...fault, times: 1 });
    expect(await scene.deliver()).toEqual(outcome);
    expect(scene.channel.total).toBe(0);
    scene.forward(7000);
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it('is awaited until the time-out, and not by an aborted push', async () => {
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
  it('that is unknown or switched off has a reason that says so', async () => {
    expect(await scene.deliver({ client: 'phone' })).toEqual(misconfigured('There is no WNS client phone'));
    scene.configure({ enabled: false });
    expect(await scene.deliver()).toEqual(misconfigured('switched off'));
    scene.configure();
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it('with wrong credentials does not affect another one', async () => {
    scene.configure({ secret: 'wrong' }, 'broken');
    const outcomes = await Promise.all([scene.deliver({ client: 'broken' }), scene.deliver()]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['misconfigured', 'delivered']);
  });

  it('whose options change lets pushes in progress finish', async () => {
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

  it('is closed after the pushes in progress have ended', async () => {
    await scene.deliver();
    scene.microsoft.faults.set({ delayMs: 200 });
    const onItsWay = scene.deliver();
    await scene.transport.close();
    expect(await onItsWay).toMatchObject({ kind: 'delivered' });
  });

  it('has no tokens and no secrets in its reasons', async () => {
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
