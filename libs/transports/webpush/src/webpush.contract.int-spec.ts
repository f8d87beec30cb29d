import { pushContent } from '@pns/payloads';
import { makeAuthority } from '@pns/sandbox';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { describeTransport, type Behaviour } from '@pns/transport-contract/testing';
import { type Answer, PushService } from './testing/push-service';
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
  readonly subscription;
  readonly transport: WebpushTransport;
  private options: WebpushOptions | undefined;

  private constructor(
    readonly service: PushService,
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

  static async start(answerMs = 25_000, applicationServerKey = server.publicKey): Promise<Scene> {
    return new Scene(await PushService.start(authority), answerMs, applicationServerKey);
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

  get delivery(): Delivery {
    return deliveryTo(this.subscription.endpoint);
  }

  deliver(changes: Partial<Delivery> = {}): Promise<Outcome> {
    return this.transport.deliver({ ...this.delivery, ...changes }, new AbortController().signal);
  }

  async close(): Promise<void> {
    this.service.close();
    await this.transport.close();
  }
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(code, headers).end();
  };

const answers: Readonly<Record<Behaviour, Answer | 'check'>> = {
  accepts: 'check',
  hangs: undefined,
  'drops the connection': (_, socket) => void socket.destroy(),
  'throttles for two seconds': status(429, { 'retry-after': '2' }),
  'has removed the target': status(410),
  'finds the payload too large': status(413),
  'refuses our credentials': status(403),
};

describeTransport('webpush', async (answerMs) => {
  const scene = await Scene.start(answerMs);
  return {
    transport: scene.transport,
    delivery: scene.delivery,
    arrivedIds: () => scene.service.arrivals.map(({ content }) => content['id'] as string),
    behave: (behaviour) => scene.service.answers(answers[behaviour]),
    revokeCredentials: () => scene.service.answers(status(401)),
    mendCredentials: () => scene.service.answers('check'),
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
    const [arrival] = scene.service.arrivals;
    expect(arrival?.headers).toMatchObject({ urgency: 'high', ttl: expect.stringMatching(/^(59|60)$/) as string });
    expect(arrival?.content).toMatchObject({
      ...{ web_push: 8030, id: 'delivery-1', topic: 'ox:mail:new' },
      notification: { title: 'Grüße 👋', body: 'jane@example.com\nGrüße 👋' },
      data: { folder: 'default0/INBOX', id: '113' },
    });
  });

  it('uses a kept connection', async () => {
    scene = await Scene.start();
    for (let i = 0; i < 20; i++) await scene.deliver();
    expect(scene.service.requests).toBe(20);
    // undici may open a second one while it still reads the end of an answer.
    expect(scene.service.connections).toBeLessThanOrEqual(2);
  });

  it('is signed with the key with which the browser subscribed, after a rotation too', async () => {
    const [old, own] = [newVapidKeys(), newVapidKeys()];
    scene = await Scene.start(undefined, old.publicKey);
    expect(await scene.deliver()).toMatchObject({ kind: 'misconfigured', isTargetOnly: true });
    expect(scene.service.requests).toBe(0);
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

  it('reaches nothing but public addresses unless the client allows more', async () => {
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
    expect(scene.service.requests).toBe(0);
  });

  it('is not sent while the client is switched off', async () => {
    scene = await Scene.start();
    scene.configure({ enabled: false });
    expect(await scene.deliver()).toMatchObject({ kind: 'misconfigured' });
    expect(scene.service.requests).toBe(0);
  });

  it('waits with all others of a push service that requests a pause, and no other push service is affected', async () => {
    scene = await Scene.start();
    const other = await PushService.start(authority);
    scene.service.answers(status(429, { 'retry-after': '3600' }));
    expect(await scene.deliver()).toMatchObject({ kind: 'retry', afterMs: 3_600_000 });
    scene.service.answers('check');
    expect(await scene.deliver()).toMatchObject({ kind: 'retry', isDeferred: true });
    expect(scene.service.requests).toBe(1);
    other.answers(status(201));
    expect(await scene.deliver({ token: `${other.origin}/push/1` })).toEqual({ kind: 'delivered' });
    other.close();
  });

  it('follows no redirect', async () => {
    scene = await Scene.start();
    const elsewhere = await PushService.start(authority);
    for (const code of [301, 302, 307, 308]) {
      scene.service.answers(status(code, { location: `${elsewhere.origin}/push/1` }));
      expect(await scene.deliver()).toMatchObject({ kind: 'rejected' });
    }
    expect(elsewhere.connections).toBe(0);
    elsewhere.close();
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

  it('of the server without their encryption key concern the operator', async () => {
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

  it('without their encryption key concern this subscription only', async () => {
    const open = (): never => {
      throw Object.assign(new Error('no key'), { code: 'ENCRYPTION_KEY_MISSING' });
    };
    expect(await keysOf(() => Promise.resolve(open))).toMatchObject({ kind: 'misconfigured', isTargetOnly: true });
  });
});
