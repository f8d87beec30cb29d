import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { withEnoughTime } from '@pns/local-servers/waiting';
import { type Fault, type Sandbox, startSandbox, type WebhookArrivalsView } from '@pns/sandbox';
import { type Delivery, demoSignatureSecret, type Outcome } from '@pns/transport-contract';
import { describeTransport, faultsByStatus, patientMs } from '@pns/transport-contract/testing';
import { webhookOptions, type WebhookOptions, WebhookTransport, type WebhookTransportParts } from './index';

const deliveryTo = (token: string): Delivery => ({
  id: '01890a5d-ac96-774b-bcce-b302099a8057',
  notificationId: 'n-1',
  subscriptionId: 's-1',
  context: 1,
  user: 14,
  client: 'sandbox',
  transport: 'webhook',
  token,
  topic: 'ox:mail:new',
  payload: { folder: 'default0/INBOX', id: '113', subject: 'Grüße 👋' },
  sourceToken: '160491815377',
  priority: 'high',
  count: 1,
  timestamp: 1694677849605,
  dueAt: 1694677850605,
  email1: 'john@example.com',
  attempt: 1,
});

const loopback = { httpsOnly: false, allowedNetworks: ['127.0.0.0/8'], timeoutMillis: patientMs };

/** The function with which the transport reads a subscription's `meta`. */
type MetaOf = WebhookTransportParts['metaOf'];

/** A webhook of the sandbox, and a transport that is configured for it. */
class Scene {
  private constructor(
    private readonly sandbox: Sandbox,
    readonly uri: string,
    private options: WebhookOptions,
  ) {}

  /** Rejects until a test sets another function. */
  metaOf: MetaOf = () => Promise.reject(new Error('This test must not read the meta.'));

  readonly transport = new WebhookTransport({
    options: (client) => (client === 'sandbox' ? this.options : undefined),
    metaOf: (id) => this.metaOf(id),
  });

  static async start(overrides: Record<string, unknown> = {}): Promise<Scene> {
    const sandbox = await startSandbox({ port: 0, hasProviders: false });
    const uri = `${sandbox.url}/webhooks/demo`;
    const entry = { uri, signatureSecret: demoSignatureSecret, ...loopback, ...overrides };
    return new Scene(sandbox, uri, webhookOptions.parse(entry));
  }

  configure(overrides: Record<string, unknown>): void {
    this.options = webhookOptions.parse({ ...this.options, ...overrides });
  }

  deliver(token = this.uri, signal = new AbortController().signal): Promise<Outcome> {
    return this.transport.deliver(deliveryTo(token), signal);
  }

  /** Delivers to a subscription that has meta. */
  deliverByMeta(metaOf: MetaOf, token = this.uri): Promise<Outcome> {
    this.metaOf = metaOf;
    return this.transport.deliver({ ...deliveryTo(token), hasMeta: true }, new AbortController().signal);
  }

  async misbehave(fault: Fault): Promise<void> {
    const response = await fetch(`${this.uri}/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    });
    expect(response.status).toBe(200);
  }

  async arrivals(): Promise<WebhookArrivalsView> {
    return (await (await fetch(`${this.uri}/arrivals`)).json()) as WebhookArrivalsView;
  }

  async close(): Promise<void> {
    await this.transport.close();
    await this.sandbox.close();
  }
}

describeTransport('webhook', async (timeoutMillis) => {
  const scene = await Scene.start({ timeoutMillis });
  return {
    transport: scene.transport,
    delivery: deliveryTo(scene.uri),
    behave: (behaviour) =>
      scene.misbehave(behaviour === 'refuses our credentials' ? { status: 401 } : faultsByStatus[behaviour]),
    revokeCredentials: () => scene.misbehave({ authorization: 'the new secret' }),
    mendCredentials: () => scene.configure({ webhookSecret: 'the new secret' }),
    arrivedIds: async () => (await scene.arrivals()).items.map(({ headers }) => headers['webhook-id'] ?? ''),
    close: () => scene.close(),
  };
});

describe('a webhook', () => {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.start();
  });
  afterEach(() => scene.close());

  it('gets the exact body, with signatures that independent checks accept', async () => {
    expect(await scene.deliver()).toEqual({ kind: 'delivered' });
    const [arrival] = (await scene.arrivals()).items;
    expect(arrival).toMatchObject({
      path: '/webhooks/demo',
      body: '{"event":"ox:mail:new","payload":{"folder":"default0/INBOX","id":"113","subject":"Grüße 👋","user":14,"context":1,"email1":"john@example.com","sourceToken":"160491815377"},"timestamp":1694677849605}',
      oxSignature: 'valid',
      standardWebhooks: 'valid',
      headers: {
        'content-type': 'application/json; charset=UTF-8',
        'user-agent': 'Open-Xchange Webhook Client',
        'webhook-id': deliveryTo('').id,
      },
    });
  });

  it('accepts both secrets while they rotate', async () => {
    scene.configure({ signatureSecret: 'the new one', previousSignatureSecret: demoSignatureSecret });
    await scene.deliver();
    expect((await scene.arrivals()).items).toMatchObject([{ oxSignature: 'valid', standardWebhooks: 'valid' }]);
  });

  it('gets the secrets below its URI, and neither secrets nor signatures elsewhere', async () => {
    scene.configure({ uriValidationMode: 'none', webhookSecret: 'Bearer secret' });
    const beside = scene.uri.replace('demo', 'demo-evil');
    await scene.deliver(`${scene.uri}/14?device=2`);
    await scene.deliver(beside);
    const [below] = (await scene.arrivals()).items;
    const evil = (await (await fetch(`${beside}/arrivals`)).json()) as WebhookArrivalsView;
    expect(below).toMatchObject({ headers: { authorization: 'Bearer secret' }, oxSignature: 'valid' });
    expect(evil.items).toMatchObject([{ oxSignature: 'missing', standardWebhooks: 'missing' }]);
    expect(evil.items[0]?.headers).not.toHaveProperty('authorization');
  });

  it.each<[string, object | undefined, string]>([
    ['a header', { authorization: 'Bearer öwn' }, 'Bearer öwn'],
    ['a login', { login: 'jane', password: 'pä:ss' }, 'Basic amFuZTpw5Dpzcw=='],
    ['something else', { locale: 'de' }, 'Bearer secret'],
    ['nothing any more', undefined, 'Bearer secret'],
  ])('gets the credentials of a subscription whose meta has %s', async (_, meta, authorization) => {
    scene.configure({ webhookSecret: 'Bearer secret' });
    const asked: string[] = [];
    const outcome = await scene.deliverByMeta((id) => {
      asked.push(id);
      return Promise.resolve(() => meta);
    });
    expect([outcome, asked]).toEqual([{ kind: 'delivered' }, ['s-1']]);
    expect((await scene.arrivals()).items).toMatchObject([{ headers: { authorization }, oxSignature: 'valid' }]);
  });

  it('gets the credentials of the subscription at another URI, and no signature', async () => {
    scene.configure({ uriValidationMode: 'none', webhookSecret: 'Bearer secret' });
    const beside = scene.uri.replace('demo', 'beside');
    await scene.deliverByMeta(() => Promise.resolve(() => ({ authorization: 'Bearer own' })), beside);
    const { items } = (await (await fetch(`${beside}/arrivals`)).json()) as WebhookArrivalsView;
    expect(items).toMatchObject([{ headers: { authorization: 'Bearer own' }, oxSignature: 'missing' }]);
  });

  const away = Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:5432'), { code: 'ECONNREFUSED' });
  const unreadable = Object.assign(new Error('secret'), { code: 'ENCRYPTION_KEY_MISSING' });

  it.each<[string, MetaOf, Outcome]>([
    [
      'cannot be read now',
      () => Promise.reject(away),
      { kind: 'retry', reason: 'The subscription cannot be read now (ECONNREFUSED).', isWaiting: true },
    ],
    ['was deleted', () => Promise.resolve(undefined), { kind: 'suppressed', reason: 'the subscription was deleted' }],
    [
      'has meta that no key opens',
      () =>
        Promise.resolve(() => {
          throw unreadable;
        }),
      {
        kind: 'misconfigured',
        reason: "The credentials in the subscription's meta cannot be used (ENCRYPTION_KEY_MISSING).",
        isTargetOnly: true,
      },
    ],
    [
      'has credentials that no header can hold',
      () => Promise.resolve(() => ({ authorization: 'secret\r\nX-Evil: 1' })),
      {
        kind: 'misconfigured',
        reason: "The credentials in the subscription's meta cannot be used (ZodError).",
        isTargetOnly: true,
      },
    ],
  ])('gets nothing for a subscription that %s', async (_, metaOf, expected) => {
    expect(await scene.deliverByMeta(metaOf)).toEqual(expected);
    expect((await scene.arrivals()).total).toBe(0);
  });

  it('keeps its connection', async () => {
    const server = createServer((_, response) => response.writeHead(200).end('thank you'));
    let connections = 0;
    server.on('connection', () => connections++);
    const uri = await listening(server);
    scene.configure({ uri });
    for (let i = 0; i < 20; i++) expect(await scene.deliver(uri)).toEqual({ kind: 'delivered' });
    // The next delivery may start a moment before the connection of the previous delivery is free, and then opens a second one.
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('has at most `maxConnections` connections, and a burst that waits for them does not time out', () =>
    withEnoughTime(async (timeoutMillis) => {
      let open = 0;
      let most = 0;
      const server = createServer((_, response) => {
        most = Math.max(most, ++open);
        setTimeout(() => response.writeHead(200).end(() => open--), timeoutMillis / 8);
      });
      const uri = await listening(server);
      // Ten answers in sequence take longer than the time-out of one.
      scene.configure({ uri, maxConnections: 2, timeoutMillis });
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => scene.deliver(uri)));
      expect(outcomes.map(({ kind }) => kind)).toEqual(Array(20).fill('delivered'));
      expect(most).toBe(2);
    }));

  it.each<[string, Fault]>([
    ['long', { bodyBytes: 500_000_000 }],
    ['slow', { hangInBody: true }],
  ])('has answered once its status has arrived, also if the rest is %s', (_, fault) =>
    withEnoughTime(async (timeoutMillis) => {
      scene.configure({ timeoutMillis });
      await scene.misbehave(fault);
      expect(await scene.deliver()).toEqual({ kind: 'delivered' });
    }),
  );

  it('times out after `timeoutMillis`, also if it sends data all the time', async () => {
    const server = createServer((_, response) => {
      const drip = setInterval(() => response.writeProcessing(), 50);
      response.on('close', () => clearInterval(drip));
    });
    const uri = await listening(server);
    scene.configure({ uri, timeoutMillis: 500 });
    expect(await scene.deliver(uri)).toEqual({
      kind: 'retry',
      reason: 'The endpoint did not answer within 500 ms.',
      isFromEndpoint: true,
    });
  });

  it('is retried if its answer is not HTTP', async () => {
    const server = createServer();
    server.on('connection', (socket) => socket.end('220 smtp ready\r\n'));
    const uri = await listening(server);
    scene.configure({ uri });
    expect(await scene.deliver(uri)).toMatchObject({
      kind: 'retry',
      reason: expect.stringMatching(/failed \(HTTPParserError\)/) as string,
    });
  });

  it('is retried if it refuses connections', async () => {
    const server = createServer();
    const uri = await listening(server);
    server.close();
    await once(server, 'close');
    scene.configure({ uri });
    expect(await scene.deliver(uri)).toEqual({
      kind: 'retry',
      reason: 'The connection to the endpoint failed (ECONNREFUSED).',
      isFromEndpoint: true,
    });
  });

  it('is not sent deliveries for a while after repeated failures', async () => {
    await scene.misbehave({ status: 500 });
    for (let i = 0; i < 5; i++) expect(await scene.deliver()).toMatchObject({ reason: 'The endpoint answered 500.' });
    const deferred = await scene.deliver();
    expect(deferred).toMatchObject({ kind: 'retry', afterMs: expect.any(Number) as number, isDeferred: true });
    expect((await scene.arrivals()).total).toBe(5);
    expect(scene.transport.openCircuits).toBe(1);
    expect(await scene.deliver(`${scene.uri.replace('127.0.0.1', '127.0.0.2')}`)).toMatchObject({
      kind: 'misconfigured',
    });
  });

  it('is reached again as soon as its options allow it', async () => {
    scene.configure({ allowedNetworks: [] });
    expect(await scene.deliver()).toMatchObject({ kind: 'rejected' });
    scene.configure({ allowedNetworks: ['127.0.0.1/32'] });
    expect(await scene.deliver()).toEqual({ kind: 'delivered' });
    scene.configure({ allowedNetworks: [] });
    expect(await scene.deliver()).toMatchObject({ kind: 'rejected' });
  });

  const unfit = { kind: 'misconfigured', isTargetOnly: true } as const;

  it.each<[string, Record<string, unknown>, (uri: string) => string, Partial<Outcome>]>([
    ['is not in the configuration any more', { client: 'gone' }, (uri) => uri, { kind: 'misconfigured' }],
    ['has another URI now', { uri: 'http://127.0.0.1:9/elsewhere' }, (uri) => uri, unfit],
    ['takes exactly one URI now', { uriValidationMode: 'exact' }, (uri) => `${uri}/below`, unfit],
    [
      'accepts https only after a change',
      { uri: 'https://127.0.0.1/', httpsOnly: true, uriValidationMode: 'none' },
      (uri) => uri,
      unfit,
    ],
    [
      'has a URI with credentials',
      { uriValidationMode: 'none' },
      (uri) => uri.replace('//', '//a:b@'),
      { kind: 'rejected' },
    ],
    ['has no URI at all', { uriValidationMode: 'none' }, () => 'nonsense', { kind: 'rejected' }],
  ])('gets nothing when it %s', async (_, { client = 'sandbox', ...entry }, token, expected) => {
    scene.configure(entry);
    const delivery = { ...deliveryTo(token(scene.uri)), client: String(client) };
    const outcome = await scene.transport.deliver(delivery, new AbortController().signal);
    expect(outcome).toEqual({ ...expected, reason: expect.stringMatching(/\.$/) as string });
    expect((await scene.arrivals()).total).toBe(0);
  });
});

it('a webhook is reached by name if the name resolves into an allowed network', async () => {
  const scene = await Scene.start({ uriValidationMode: 'none' });
  expect(await scene.deliver(scene.uri.replace('127.0.0.1', 'localhost'))).toEqual({ kind: 'delivered' });
  await scene.close();
});

/** Endpoints for behaviour that the sandbox does not simulate. */
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function listening(server: Server<typeof IncomingMessage>): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}
