import { eventually } from '@pns/local-servers/waiting';
import { pushContent } from '@pns/payloads';
import {
  Arrivals,
  headersOf,
  makeAuthority,
  type PushSubscriptionJson,
  startWebpush,
  type WebpushProvider,
} from '@pns/sandbox';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { describeTransport, faultsByStatus, patientMs } from '@pns/transport-contract/testing';
import { newVapidKeys, webpushOptions, type WebpushOptions, WebpushTransport } from './index';

const authority = makeAuthority();
const server = newVapidKeys();
const subject = 'mailto:ops@example.com';

const deliveryTo = (token: string): Delivery => ({
  ...{ id: 'delivery-1', notificationId: 'n-1', subscriptionId: 's-1', context: 1, user: 14, client: 'web' },
  ...{ transport: 'webpush', token, topic: 'ox:mail:new' },
  payload: { folder: 'default0/INBOX', id: '113', subject: 'Grüße 👋', email: 'jane@example.com' },
  ...{ priority: 'high', count: 1, timestamp: 1694677849605, dueAt: 1694677850605, attempt: 1 },
});

/** A browser with a subscription at a push service, and a transport that is configured for it. */
class Scene {
  readonly subscription: PushSubscriptionJson;
  readonly transport: WebpushTransport;
  private options: WebpushOptions | undefined;

  private constructor(
    readonly service: WebpushProvider,
    readonly arrivals: Arrivals,
    answerMs: number,
    readonly applicationServerKey: string,
  ) {
    this.subscription = service.subscribe(applicationServerKey);
    this.configure({});
    this.transport = new WebpushTransport({
      options: () => this.options,
      content: (delivery) => pushContent(delivery, { hasBadge: true }),
      keysOf: () => Promise.resolve(() => ({ ...this.subscription.keys, applicationServerKey })),
      serverKeys: () => Promise.resolve(server),
      subject: () => subject,
      answerMs,
    });
  }

  static async start(answerMs = patientMs, applicationServerKey = server.publicKey): Promise<Scene> {
    const arrivals = new Arrivals(100);
    const service = await startWebpush({ port: 0, authority, arrivals });
    return new Scene(service, arrivals, answerMs, applicationServerKey);
  }

  configure(entry: object): void {
    this.options = webpushOptions.parse({
      caFile: authority.cert,
      allowedNetworks: ['127.0.0.0/8', '::1/128'],
      ...entry,
    });
  }

  /** Removes the options of the client. */
  unconfigure(): void {
    this.options = undefined;
  }

  /** The number of requests, also of refused ones. */
  get requests(): number {
    return this.arrivals.lastSeq;
  }

  /** The messages that the browser decrypted, with their headers. */
  get messages() {
    return this.arrivals.since(0).flatMap(({ request, decryptedBody }) => {
      if (decryptedBody === undefined) return [];
      return [{ headers: headersOf(request), content: JSON.parse(decryptedBody) as Readonly<Record<string, unknown>> }];
    });
  }

  get delivery(): Delivery {
    return deliveryTo(this.subscription.endpoint);
  }

  deliver(changes: Partial<Delivery> = {}, signal = new AbortController().signal): Promise<Outcome> {
    return this.transport.deliver({ ...this.delivery, ...changes }, signal);
  }

  async close(): Promise<void> {
    await this.service.close();
    this.arrivals.close();
    await this.transport.close();
  }
}

describeTransport('webpush', async (answerMs) => {
  const scene = await Scene.start(answerMs);
  return {
    transport: scene.transport,
    delivery: scene.delivery,
    arrivedIds: () => scene.messages.map(({ content }) => content['id'] as string),
    behave: (behaviour) => scene.service.faults.set(faultsByStatus[behaviour]),
    revokeCredentials: () => scene.service.faults.set({ status: 401 }),
    mendCredentials: () => scene.service.faults.set({}),
    close: () => scene.close(),
  };
});

describe('a message to a push service', () => {
  let scene: Scene;

  afterEach(() => scene.close());

  it('is accepted, decrypted and complete', async () => {
    scene = await Scene.start();
    expect(await scene.deliver({ collapseKey: 'ox:mail:new', expiresAt: Date.now() + 60_000 })).toEqual({
      kind: 'delivered',
    });
    const [message] = scene.messages;
    expect(message?.headers).toMatchObject({ urgency: 'high', ttl: expect.stringMatching(/^(59|60)$/) as string });
    expect(message?.content).toMatchObject({
      ...{ web_push: 8030, id: 'delivery-1', topic: 'ox:mail:new' },
      notification: { title: 'Grüße 👋', body: 'jane@example.com\nGrüße 👋' },
      data: { folder: 'default0/INBOX', id: '113' },
    });
  });

  it('uses a connection that stays open', async () => {
    scene = await Scene.start();
    for (let i = 0; i < 20; i++) await scene.deliver();
    expect(scene.requests).toBe(20);
    // undici may open a second connection while it still reads the end of an answer.
    expect(scene.service.connections).toBeLessThanOrEqual(2);
  });

  it('is signed with the key with which the browser subscribed, after a rotation too', async () => {
    const [old, own] = [newVapidKeys(), newVapidKeys()];
    scene = await Scene.start(undefined, old.publicKey);
    expect(await scene.deliver()).toMatchObject({ kind: 'misconfigured', isTargetOnly: true });
    expect(scene.requests).toBe(0);
    scene.configure(old);
    expect(await scene.deliver()).toEqual({ kind: 'delivered' });
    scene.configure({ ...own, previousKeys: [old] });
    expect(await scene.deliver()).toEqual({ kind: 'delivered' });
    scene.configure({ previousKeys: [own, old] });
    expect(await scene.deliver()).toEqual({ kind: 'delivered' });
  });

  it("is signed with the server's key after the client has got its own", async () => {
    scene = await Scene.start();
    scene.configure(newVapidKeys());
    expect(await scene.deliver()).toEqual({ kind: 'delivered' });
  });

  it('is sent only to public addresses unless the client allows others', async () => {
    scene = await Scene.start();
    scene.configure({ allowedNetworks: [] });
    expect(await scene.deliver()).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('loopback') as string,
    });
    scene.unconfigure();
    expect(await scene.deliver()).toMatchObject({ kind: 'rejected' });
    expect(scene.service.connections).toBe(0);
  });

  it('is not sent without TLS unless the client allows it', async () => {
    scene = await Scene.start();
    const token = scene.subscription.endpoint.replace('https:', 'http:');
    expect(await scene.deliver({ token })).toMatchObject({ kind: 'misconfigured', isTargetOnly: true });
    expect(scene.requests).toBe(0);
  });

  it('is not sent while the client is switched off', async () => {
    scene = await Scene.start();
    scene.configure({ enabled: false });
    expect(await scene.deliver()).toMatchObject({ kind: 'misconfigured' });
    expect(scene.requests).toBe(0);
  });

  it('waits with all others of a push service that requests a pause, and no other push service is affected', async () => {
    scene = await Scene.start();
    const other = await Scene.start();
    scene.service.faults.set({ status: 429, headers: { 'retry-after': '3600' } });
    expect(await scene.deliver()).toMatchObject({ kind: 'retry', afterMs: 3_600_000 });
    scene.service.faults.set({});
    expect(await scene.deliver()).toMatchObject({ kind: 'retry', isDeferred: true });
    expect(scene.requests).toBe(1);
    expect(await scene.deliver({ token: other.subscription.endpoint })).toEqual({ kind: 'delivered' });
    await other.close();
  });

  it('is not delayed by another push service that never answers, however many messages wait there', async () => {
    scene = await Scene.start();
    const other = await Scene.start();
    scene.service.faults.set({ hang: true });
    const stop = new AbortController();
    const waiting = Array.from({ length: 150 }, () => scene.deliver({}, stop.signal));
    await eventually('a hundred messages have no answer', () => scene.requests === 100);
    expect(await scene.deliver({ token: other.subscription.endpoint })).toEqual({ kind: 'delivered' });
    stop.abort(new Error('stopping'));
    const results = await Promise.allSettled(waiting);
    expect(results.map(({ status }) => status)).toEqual(Array(150).fill('rejected'));
    expect(scene.requests).toBe(100);
    await other.close();
  });
});

describe('keys that cannot be read', () => {
  const keysOf = (open: () => Promise<(() => never) | undefined>, serverKeys = () => Promise.resolve(server)) => {
    const content = (delivery: Delivery) => pushContent(delivery, { hasBadge: true });
    const parts = { options: () => undefined, content, subject: () => subject };
    return new WebpushTransport({ ...parts, keysOf: open, serverKeys }).deliver(
      deliveryTo('https://push.example.com/1'),
      new AbortController().signal,
    );
  };

  it('while Postgres is away, are waited for', async () => {
    const away = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const waiting = { kind: 'retry', isWaiting: true, reason: expect.stringContaining('ECONNREFUSED') as string };
    expect(await keysOf(() => Promise.reject(away))).toMatchObject(waiting);
    expect(
      await keysOf(
        () => Promise.resolve(undefined),
        () => Promise.reject(away),
      ),
    ).toMatchObject(waiting);
  });

  it('of the server without their encryption key have the outcome misconfigured', async () => {
    const sealed = Object.assign(new Error('no key'), { code: 'ENCRYPTION_KEY_MISSING' });
    const outcome = await keysOf(
      () => Promise.resolve(undefined),
      () => Promise.reject(sealed),
    );
    expect(outcome).toMatchObject({ kind: 'misconfigured' });
    expect(outcome).not.toHaveProperty('isTargetOnly');
  });

  it('of a deleted subscription suppress the delivery', async () => {
    expect(await keysOf(() => Promise.resolve(undefined))).toMatchObject({ kind: 'suppressed' });
  });

  it('without their encryption key affect this subscription only', async () => {
    const open = (): never => {
      throw Object.assign(new Error('no key'), { code: 'ENCRYPTION_KEY_MISSING' });
    };
    expect(await keysOf(() => Promise.resolve(open))).toMatchObject({ kind: 'misconfigured', isTargetOnly: true });
  });
});
