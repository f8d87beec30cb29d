import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { withEnoughTime } from '@pns/local-servers/waiting';
import { type ContentRefusal, type PushContent, pushContent } from '@pns/payloads';
import {
  type Arrival,
  Arrivals,
  bodyOf,
  type FcmFault,
  type FcmProvider,
  makeAuthority,
  type ServiceAccountKey,
  startFcm,
} from '@pns/sandbox';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { describeTransport, type Behaviour, patientMs } from '@pns/transport-contract/testing';
import { fcmOptions, type FcmOptions, FcmTransport } from './index';

// Creating keys is slow, so all tests share one authority.
const authority = makeAuthority();

/** For this time, in ms, a refusal of a token request stays in effect, and a new token is not replaced. */
const tokenHoldMs = 5000;

const phone = 'a-phone:APA91bExample';
const delivery: Delivery = {
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  notificationId: 'n-1',
  subscriptionId: 's-1',
  context: 1,
  user: 14,
  client: 'mobile',
  transport: 'fcm',
  token: phone,
  topic: 'ox:mail:new',
  payload: { folder: 'default0/INBOX', id: '113', displayname: 'Jane', subject: 'Grüße 👋', unread: 83 },
  priority: 'high',
  count: 1,
  timestamp: 1694677849605,
  dueAt: 1694677850605,
  attempt: 1,
};
const slow = { topic: 'ops:slow', payload: { a: Array.from({ length: 1000 }, () => 1) } };
const slowTemplate = '{{#a}}{{#a}}x{{/a}}{{/a}}';
const content = (of: Delivery): PushContent | ContentRefusal =>
  pushContent(of, { hasBadge: true, sound: 'default', ...(of.topic === slow.topic && { title: slowTemplate }) });

interface SceneOptions {
  readonly maxStreams?: number;
  readonly timeoutMs?: number;
}

/** The simulated Google of the sandbox, an FCM transport whose clients push to it, and a clock that tests can advance. */
class Scene {
  private readonly clients = new Map<string, FcmOptions>();
  private nowMs = Date.now();
  readonly transport: FcmTransport;

  private constructor(
    readonly google: FcmProvider,
    readonly arrivals: Arrivals,
    timeoutMs: number,
  ) {
    const options = (client: string): FcmOptions | undefined => this.clients.get(client);
    this.transport = new FcmTransport({ options, content, times: { answerMs: timeoutMs }, now: () => this.nowMs });
  }

  static async start({ maxStreams, timeoutMs = patientMs }: SceneOptions = {}): Promise<Scene> {
    const arrivals = new Arrivals(5000);
    const now = (): number => scene.nowMs;
    const google = await startFcm({
      port: 0,
      authority,
      arrivals,
      now,
      ...(maxStreams !== undefined && { maxStreams }),
    });
    const scene: Scene = new Scene(google, arrivals, timeoutMs);
    scene.configure('mobile', google.accounts.create('pns-test'));
    return scene;
  }

  configure(client: string, serviceAccount: ServiceAccountKey, more: object = {}): void {
    const { url: endpoint, tokenUrl: tokenEndpoint } = this.google;
    const options = { serviceAccount, endpoint, tokenEndpoint, caFile: authority.cert, ...more };
    this.clients.set(client, fcmOptions.parse(options));
  }

  forward(ms: number): void {
    this.nowMs += ms;
  }

  deliver(more: Partial<Delivery> = {}, signal = new AbortController().signal): Promise<Outcome> {
    return this.transport.deliver({ ...delivery, ...more }, signal);
  }

  /** Delivers to this number of phones at once. */
  deliverMany(count: number): Promise<Outcome[]> {
    return Promise.all(phones(count).map((token, index) => this.deliver({ token, id: `d-${index}` })));
  }

  arrived(): Arrival[] {
    return this.arrivals.since(0);
  }

  messages(): Message[] {
    return this.arrived().map(
      ({ request }) => (JSON.parse(bodyOf(request).toString()) as { message: Message }).message,
    );
  }

  async close(): Promise<void> {
    await this.transport.close();
    await this.google.close();
    this.arrivals.close();
  }
}

interface Message {
  readonly token: string;
  readonly data: Readonly<Record<string, string>>;
}

const phones = (count: number): string[] => Array.from({ length: count }, (_, index) => `phone-number-${index}`);
/** The number of outcomes of each kind. */
function kinds(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const faults: Readonly<Record<Behaviour, FcmFault>> = {
  accepts: {},
  hangs: { hang: true },
  'drops the connection': { reset: true },
  'throttles for two seconds': { error: 'QUOTA_EXCEEDED', headers: { 'retry-after': '2' } },
  'has removed the target': { error: 'UNREGISTERED' },
  'finds the payload too large': { error: 'INVALID_ARGUMENT' },
  'refuses our credentials': { error: 'UNAUTHENTICATED' },
};

describeTransport('fcm', async (timeoutMs) => {
  const scene = await Scene.start({ timeoutMs });
  return {
    transport: scene.transport,
    delivery,
    behave: (behaviour) => scene.google.faults.set(faults[behaviour]),
    revokeCredentials: () => scene.google.accounts.emails().forEach((email) => scene.google.accounts.revoke(email)),
    mendCredentials: () => scene.configure('mobile', scene.google.accounts.create('pns-test')),
    arrivedIds: () => scene.messages().map(({ data }) => data['pns_id'] ?? ''),
    close: () => scene.close(),
  };
});

let scene: Scene;
const started: Scene[] = [];

async function startScene(options?: SceneOptions): Promise<void> {
  scene = await Scene.start(options);
  started.push(scene);
}

afterEach(() => Promise.all(started.splice(0).map((each) => each.close())));

describe('a push', () => {
  beforeEach(() => startScene());

  it('arrives as a data message with all of its fields as text', async () => {
    expect(await scene.deliver()).toEqual({
      kind: 'delivered',
      providerId: expect.stringMatching(/^projects\/pns-test\/messages\//) as string,
    });
    const [arrival] = scene.arrived();
    expect(arrival).toMatchObject({ provider: 'fcm', target: phone, answer: 200 });
    expect(scene.messages()).toEqual([
      {
        token: phone,
        data: {
          folder: 'default0/INBOX',
          id: '113',
          displayname: 'Jane',
          subject: 'Grüße 👋',
          unread: '83',
          pns_id: delivery.id,
          pns_topic: 'ox:mail:new',
        },
        android: { priority: 'HIGH' },
      },
    ]);
  });

  it('is shown by Android if its client has `notification: true`', async () => {
    scene.configure('mobile', scene.google.accounts.create('pns-test'), { notification: true });
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    expect(scene.messages()).toMatchObject([
      {
        notification: { title: 'Grüße 👋', body: 'Jane\nGrüße 👋' },
        android: { notification: { tag: delivery.id, sound: 'default', notification_count: 83 } },
      },
    ]);
  });

  it('is accepted with any names and values of its fields', async () => {
    const payload = {
      from: 'Jane',
      message_type: 'x',
      'google.c.a.e': '1',
      'gcm.notification.title': 'x',
      collapse_key: 'x',
      notification: { title: 'x' },
      ['__proto__']: 'x',
      constructor: null,
      half: '\ud83d',
      nested: [{ a: 1 }],
    };
    expect(await scene.deliver({ topic: 'ops:alert', payload })).toMatchObject({ kind: 'delivered' });
    expect(scene.messages()[0]?.data).toMatchObject({ pns_from: 'Jane', nested: '[{"a":1}]', half: '\ufffd' });
  });

  it.each<[string, Partial<Delivery>]>([
    ['a long subject', { payload: { ...delivery.payload, subject: 'ü'.repeat(20_000) } }],
    ['a long sender', { payload: { ...delivery.payload, displayname: '👨‍👩‍👧‍👦'.repeat(1000) } }],
    ['many ids', { payload: { ...delivery.payload, id: Array.from({ length: 700 }, (_, id) => `mail-${id}`) } }],
    ['a long custom field', { payload: { ...delivery.payload, flags: 'x'.repeat(5000) } }],
    ['only a long field', { topic: 'ops:alert', payload: { id: 'x'.repeat(5000) } }],
  ])('with %s is shortened and accepted', async (_, more) => {
    expect(await scene.deliver(more)).toMatchObject({ kind: 'delivered' });
    expect(scene.arrived()).toHaveLength(1);
  });

  it('whose templates take too long is rejected, and nothing is sent', async () => {
    expect(await scene.deliver(slow)).toEqual({
      kind: 'rejected',
      reason: 'The title template takes more than 5000 steps with this payload.',
    });
    expect(scene.arrived()).toEqual([]);
  });

  it('that has expired is not sent', async () => {
    expect(await scene.deliver({ expiresAt: 1 })).toMatchObject({ kind: 'expired' });
    expect(scene.arrived()).toEqual([]);
  });

  it('to a client that is unknown or switched off is not sent', async () => {
    expect(await scene.deliver({ client: 'nobody' })).toEqual({
      kind: 'misconfigured',
      reason: 'There is no FCM client nobody in the configuration.',
    });
    scene.configure('mobile', scene.google.accounts.create('pns-test'), { enabled: false });
    expect(await scene.deliver()).toMatchObject({
      kind: 'misconfigured',
      reason: expect.stringContaining('switched off') as string,
    });
    expect(scene.arrived()).toEqual([]);
  });
});

describe('500 pushes at once', () => {
  it('all arrive with at most 100 concurrent streams, and those to 20 unregistered phones have the outcome gone', async () => {
    await startScene({ maxStreams: 100 });
    for (const token of phones(20)) scene.google.device(token).isRegistered = false;
    expect(kinds(await scene.deliverMany(500))).toEqual({ delivered: 480, gone: 20 });
    expect(scene.arrived()).toHaveLength(500);
    expect(scene.google.mostStreams).toBeLessThanOrEqual(100);
    expect(scene.google.accounts.exchanges).toBe(1);
  });

  it('all arrive with at most three concurrent streams', async () => {
    await startScene({ maxStreams: 3 });
    expect(kinds(await scene.deliverMany(500))).toEqual({ delivered: 500 });
    expect(scene.google.mostStreams).toBeLessThanOrEqual(3);
    expect(scene.google.connections).toBeLessThanOrEqual(5);
  });

  it('none is sent twice if FCM ends connections meanwhile', async () => {
    await startScene({ maxStreams: 20 });
    scene.google.faults.set({ goAway: true, times: 5 });
    const outcomes = await scene.deliverMany(500);
    const delivered = outcomes.filter(({ kind }) => kind === 'delivered').length;
    const { retry = 0 } = kinds(outcomes);
    expect(delivered + retry).toBe(500);
    expect(scene.arrived()).toHaveLength(delivered);
    expect(scene.arrived().some(({ isDuplicate }) => isDuplicate)).toBe(false);
  });
});

describe('the connection', () => {
  beforeEach(() => startScene());

  it('stays open between pushes', async () => {
    for (let i = 0; i < 20; i++) await scene.deliver();
    // One connection for the messages, and one for the access token.
    expect(scene.google.connections).toBe(2);
  });

  it('that no longer answers leads to a retry, and later deliveries use another one', () =>
    withEnoughTime(async (timeoutMs) => {
      await startScene({ timeoutMs });
      expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
      scene.google.faults.set({ halfOpen: true, times: 1 });
      expect(await scene.deliver()).toEqual({ kind: 'retry', reason: `FCM did not answer within ${timeoutMs} ms.` });
      expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    }));

  it('that is refused leads to a retry', async () => {
    scene.configure('mobile', scene.google.accounts.create('pns-test'), { endpoint: 'https://localhost:1' });
    expect(await scene.deliver()).toEqual({
      kind: 'retry',
      reason: 'The connection to FCM failed (ECONNREFUSED).',
    });
  });

  it('that ends at once is opened at most once for each delivery', async () => {
    let connections = 0;
    const server = createServer({ ...authority.server, ALPNProtocols: ['h2'] }, (socket) => {
      connections++;
      socket.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `https://localhost:${(server.address() as AddressInfo).port}`;
    scene.configure('mobile', scene.google.accounts.create('pns-test'), { endpoint });
    expect(kinds(await scene.deliverMany(20))).toEqual({ retry: 20 });
    expect(connections).toBeLessThanOrEqual(20);
    server.close();
  });

  it('to a server without a trusted certificate is not used', async () => {
    scene.configure('mobile', scene.google.accounts.create('pns-test'), { caFile: makeAuthority().cert });
    expect(await scene.deliver()).toMatchObject({
      kind: 'retry',
      reason: expect.stringMatching(/VERIFY|CERT/) as string,
    });
    expect(scene.google.accounts.exchanges).toBe(0);
  });

  it.each<[string, FcmFault, object]>([
    ['was accepted', {}, { kind: 'delivered' }],
    ['was refused', { error: 'UNREGISTERED' }, { kind: 'retry' }],
  ])(
    'if the body of the answer does not arrive, a message that %s has the outcome of the status',
    (_, fault, outcome) =>
      withEnoughTime(async (timeoutMs) => {
        await startScene({ timeoutMs });
        scene.google.faults.set({ ...fault, hangInBody: true });
        expect(await scene.deliver()).toMatchObject(outcome);
      }),
  );

  it('carries no deliveries that were aborted while they waited for a stream', async () => {
    await startScene({ maxStreams: 1 });
    scene.google.faults.set({ hang: true });
    const stop = new AbortController();
    const sent = phones(20).map((token) => scene.deliver({ token }, stop.signal));
    await scene.arrivals.next(() => true, 30_000);
    stop.abort(new Error('stopping'));
    const results = await Promise.allSettled(sent);
    expect(results.every((result) => result.status === 'rejected')).toBe(true);
    expect(scene.arrived().length).toBeLessThanOrEqual(4);
    scene.google.faults.set({});
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it('closes after the deliveries in progress have arrived', async () => {
    scene.google.faults.set({ delayMs: 100 });
    const sent = scene.deliver();
    await scene.arrivals.next(() => true, 30_000);
    await scene.transport.close();
    expect(await sent).toMatchObject({ kind: 'delivered' });
  });

  it('is replaced when the options change, and deliveries in progress arrive over the old one', async () => {
    await scene.deliver();
    scene.google.faults.set({ delayMs: 100, times: 1 });
    const before = scene.deliver();
    await scene.arrivals.next(() => true, 30_000);
    scene.configure('mobile', scene.google.accounts.create('other-project'));
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    expect(await before).toMatchObject({ kind: 'delivered' });
    expect(scene.arrived().map(({ request }) => request.path)).toEqual([
      '/v1/projects/pns-test/messages:send',
      '/v1/projects/pns-test/messages:send',
      '/v1/projects/other-project/messages:send',
    ]);
  });
});

describe('the access token', () => {
  beforeEach(() => startScene());

  it('is requested once for all deliveries, and again before it expires', async () => {
    await scene.deliverMany(50);
    expect(scene.google.accounts.exchanges).toBe(1);
    scene.forward(56 * 60_000);
    await scene.deliver();
    // Deliveries do not wait for the new token, so a delivery may still use the old token.
    for (let i = 0; i < 1000 && scene.google.accounts.exchanges < 2; i++) await scene.deliver();
    expect(scene.google.accounts.exchanges).toBe(2);
    expect(scene.arrived().every(({ answer }) => answer === 200)).toBe(true);
  });

  it('is requested again after it has expired', async () => {
    await scene.deliver();
    scene.forward(3 * 3_600_000);
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    expect(scene.arrived().map(({ answer }) => answer)).toEqual([200, 200]);
  });

  it('is requested once more when Google no longer accepts it, also for many deliveries at once', async () => {
    await scene.deliver();
    scene.google.accounts.endTokens();
    scene.forward(tokenHoldMs);
    expect(kinds(await scene.deliverMany(50))).toEqual({ delivered: 50 });
    expect(scene.google.accounts.exchanges).toBe(2);
  });

  it('is requested once more when Google refuses it, and not again while the new one is younger than 5 s', async () => {
    await scene.deliver();
    scene.forward(tokenHoldMs);
    scene.google.faults.set({ error: 'UNAUTHENTICATED' });
    const refused = { kind: 'misconfigured', reason: 'FCM answered 401 (UNAUTHENTICATED).' };
    for (let count = 0; count < 3; count++) expect(await scene.deliver()).toEqual(refused);
    expect(scene.google.accounts.exchanges).toBe(2);
    // The first delivery, the second with the old and the new token, and the others with the new token only.
    expect(scene.arrived()).toHaveLength(1 + 2 + 2);
  });

  it('is not requested again for 5 s after a refusal', async () => {
    scene.google.tokenFaults.set({ status: 401, times: 1 });
    const refused = { kind: 'misconfigured', reason: 'Google does not accept the service account: 401.' };
    for (let count = 0; count < 3; count++) expect(await scene.deliver()).toEqual(refused);
    scene.forward(tokenHoldMs);
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it('of a revoked account affects only its client, until the account is replaced', async () => {
    scene.configure('other', scene.google.accounts.create('other-project'));
    await Promise.all([scene.deliver(), scene.deliver({ client: 'other' })]);
    scene.forward(tokenHoldMs);
    scene.google.accounts.revoke('sender@pns-test.iam.gserviceaccount.com');
    const [revoked, other] = await Promise.all([scene.deliver(), scene.deliver({ client: 'other' })]);
    expect(revoked).toEqual({
      kind: 'misconfigured',
      reason: 'Google does not accept the service account: 400 (invalid_grant: Invalid grant: account not found).',
    });
    expect(other).toMatchObject({ kind: 'delivered' });
    scene.configure('mobile', scene.google.accounts.create('pns-test'));
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it('of another project has the outcome misconfigured', async () => {
    const key = scene.google.accounts.create('other-project');
    scene.configure('mobile', { ...key, project_id: 'pns-test' });
    expect(await scene.deliver()).toEqual({ kind: 'misconfigured', reason: 'FCM answered 403 (PERMISSION_DENIED).' });
  });

  it.each<[string, FcmFault, object]>([
    ['answers 503', { status: 503 }, { reason: 'There is no access token: the token endpoint answered 503.' }],
    ['answers 503 with Retry-After', { status: 503, headers: { 'retry-after': '9' } }, { afterMs: 9000 }],
    ['answers 429', { status: 429, headers: { 'retry-after': '7' } }, { afterMs: 7000 }],
    ['answers 408', { status: 408 }, { reason: 'There is no access token: the token endpoint answered 408.' }],
    ['closes the connection', { reset: true }, { reason: expect.stringContaining('could not be reached') as string }],
  ])('is requested again later if the token endpoint %s', async (_, fault, outcome) => {
    scene.google.tokenFaults.set({ ...fault, times: 1 });
    expect(await scene.deliver()).toMatchObject({ kind: 'retry', ...outcome });
    expect(scene.arrived()).toEqual([]);
    scene.forward(tokenHoldMs);
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it('is used until it expires while the token endpoint is not available', async () => {
    await scene.deliver();
    scene.forward(56 * 60_000);
    scene.google.tokenFaults.set({ status: 503 });
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
    scene.forward(5 * 60_000);
    expect(await scene.deliver()).toMatchObject({ kind: 'retry' });
    scene.google.tokenFaults.set({});
    expect(await scene.deliver()).toMatchObject({ kind: 'delivered' });
  });

  it.each<[string, FcmFault, string]>([
    ['answers 401', { status: 401 }, 'Google does not accept the service account: 401.'],
    ['answers without a token', { status: 200 }, 'The token endpoint answered without a token'],
  ])('has the outcome misconfigured if the token endpoint %s', async (_, fault, reason) => {
    scene.google.tokenFaults.set({ ...fault, times: 1 });
    expect(await scene.deliver()).toEqual({
      kind: 'misconfigured',
      reason: expect.stringContaining(reason) as string,
    });
  });

  it('leads to a retry if the token endpoint is not reachable', async () => {
    scene.configure('mobile', scene.google.accounts.create('pns-test'), { tokenEndpoint: 'https://localhost:1' });
    expect(await scene.deliver()).toEqual({
      kind: 'retry',
      reason: 'There is no access token: the token endpoint could not be reached (ECONNREFUSED).',
    });
  });

  it('has the outcome misconfigured if the URL is not that of a token endpoint', async () => {
    const tokenEndpoint = `${scene.google.url}/elsewhere`;
    scene.configure('mobile', scene.google.accounts.create('pns-test'), { tokenEndpoint });
    expect(await scene.deliver()).toEqual({
      kind: 'misconfigured',
      reason: 'Google does not accept the service account: 404.',
    });
  });
});

describe('a phone of another project', () => {
  it('holds its client only until another push was accepted, and ends no subscription', async () => {
    await startScene();
    scene.google.device(phone).project = 'another-project';
    const mismatch = { kind: 'misconfigured', reason: expect.stringContaining('(SENDER_ID_MISMATCH)') as string };
    expect(await scene.deliver()).toEqual(mismatch);
    expect(await scene.deliver({ token: 'another-phone' })).toMatchObject({ kind: 'delivered' });
    expect(await scene.deliver()).toEqual({ ...mismatch, isTargetOnly: true });
    scene.configure('mobile', scene.google.accounts.create('third-project'));
    expect(await scene.deliver()).toEqual(mismatch);
  });

  it('still affects only its own subscription after a change of options other than the project', async () => {
    await startScene();
    const account = scene.google.accounts.create('pns-test');
    scene.configure('mobile', account);
    expect(await scene.deliver({ token: 'another-phone' })).toMatchObject({ kind: 'delivered' });
    scene.configure('mobile', account, { notification: true });
    scene.google.device(phone).project = 'another-project';
    expect(await scene.deliver()).toMatchObject({ kind: 'misconfigured', isTargetOnly: true });
  });
});

describe('a malformed token', () => {
  it('has the outcome gone', async () => {
    await startScene();
    expect(await scene.deliver({ token: 'no token at all' })).toMatchObject({ kind: 'gone' });
  });
});
