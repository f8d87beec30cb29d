import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { nameServerLookUp } from '@pns/http-client';
import { NameServer, type Zone } from '@pns/http-client/testing/name-server';
import { withEnoughTime } from '@pns/local-servers/waiting';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { patientMs } from '@pns/transport-contract/testing';
import { webhookOptions, type WebhookOptions } from './webhook.options';
import { WebhookTransport } from './webhook.transport';

const anywhere = { uriValidationMode: 'none', httpsOnly: false, allowedNetworks: ['127.0.0.0/8'] };
const patient = { ...anywhere, timeoutMillis: patientMs };

let names: NameServer;
let transport: WebhookTransport;
let giveUpMs: number;
const zones = new Map<string, Zone>();
const webhooks = new Map<string, WebhookOptions>();
const servers: Server[] = [];
const sockets = new Set<Socket>();

beforeAll(async () => {
  names = await NameServer.start(
    (name) => [...zones].find(([zone]) => name === zone || name.endsWith(`.${zone}`))?.[1],
  );
});

afterAll(() => names.close());

beforeEach(() => {
  zones.clear();
  names.asked.length = 0;
  webhooks.clear();
  webhooks.set('crm', webhookOptions.parse(patient));
  webhooks.set('erp', webhookOptions.parse(patient));
  giveUpMs = 5000;
  transport = new WebhookTransport({
    options: (client) => webhooks.get(client),
    metaOf: (id) => Promise.resolve(() => ({ authorization: `Bearer ${id}` })),
    lookUp: (name) => nameServerLookUp({ servers: [names.address], resolverFile: '/nowhere', giveUpMs })(name),
  });
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
  await transport.close();
});

function deliver(
  token: string,
  { client = 'crm', user = 14, context = 1, replyTo, subscriptionId }: Partial<Delivery> = {},
): Promise<Outcome> {
  const delivery: Delivery = {
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    notificationId: 'n-1',
    context,
    user,
    client,
    transport: 'webhook',
    token,
    topic: 'ox:mail:new',
    payload: {},
    priority: 'high',
    count: 1,
    timestamp: 1694677849605,
    dueAt: 1694677850605,
    attempt: 1,
    ...(replyTo !== undefined && { replyTo }),
    ...(subscriptionId !== undefined && { subscriptionId, hasMeta: true }),
  };
  return transport.deliver(delivery, new AbortController().signal);
}

/** Listens on all loopback addresses and returns the port. */
async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket) => sockets.add(socket).size && socket.on('error', () => undefined));
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const http = (answer: RequestListener): Promise<number> => listening(createHttpServer(answer));
const raw = (answer: (socket: Socket) => void): Promise<number> => listening(createServer(answer));
const takesAll = (): Promise<number> => http((request, response) => request.resume().on('end', () => response.end()));

const reasonOf = (outcome: Outcome): string => ('reason' in outcome ? outcome.reason : outcome.kind);
const isDeferred = (outcome: Outcome): boolean => outcome.kind === 'retry' && outcome.isDeferred === true;

describe('names of one user whose name server is silent', () => {
  const delivered = { kind: 'delivered' };

  it('delay no other name, in the same webhook or another one, and deliveries beyond four look-ups are deferred', async () => {
    const port = await takesAll();
    zones.set('silent.example', { answers: 'never' });
    for (const zone of ['good.example', 'fine.example']) zones.set(zone, { a: ['127.0.0.1'] });
    const silent = Array.from({ length: 40 }, (_, at) => deliver(`http://n${at}.silent.example:${port}/`));
    await names.until((asked) => asked.length >= 4);
    for (const [at, client] of ['crm', 'erp', 'crm'].entries()) {
      expect(await deliver(`http://${at}.good.example:${port}/`, { client, user: 15 })).toEqual(delivered);
    }
    expect(await deliver(`http://fine.example:${port}/`, { client: 'erp' })).toEqual(delivered);
    const outcomes = await Promise.all(silent);
    expect(outcomes.filter(isDeferred).length).toBeGreaterThanOrEqual(20);
    const failed = outcomes.filter((outcome) => !isDeferred(outcome));
    expect(failed).toEqual(
      failed.map(
        () =>
          expect.objectContaining({ kind: 'retry', reason: expect.stringContaining('ETIMEOUT') as string }) as Outcome,
      ),
    );
    expect(transport.openCircuits).toBe(0);
  });

  it('are looked up four at a time, also below one domain, and a deferral does not count as an attempt', async () => {
    zones.set('wild.example', { a: ['127.0.0.1'], answers: 'when released' });
    const port = await takesAll();
    const all = Array.from({ length: 1000 }, (_, at) => deliver(`http://n${at}.wild.example:${port}/`));
    const deferred = (await Promise.all(all.slice(20))).filter(isDeferred);
    expect(deferred).toHaveLength(980);
    await names.until((asked) => asked.length >= 8);
    expect(new Set(names.asked.map((each) => each.split(' ')[0])).size).toBe(4);
    zones.set('wild.example', { a: ['127.0.0.1'] });
    names.release();
    const others = await Promise.all(all.slice(0, 20));
    expect(others.filter((outcome) => !isDeferred(outcome)).map(({ kind }) => kind)).toContain('delivered');
    expect(transport.openCircuits).toBe(0);
  });

  it('count as failures of their endpoints after their look-ups failed', async () => {
    giveUpMs = 50;
    zones.set('silent.example', { answers: 'never' });
    for (let attempt = 0; attempt < 5; attempt++)
      expect(isDeferred(await deliver('http://silent.example/'))).toBe(false);
    expect(await deliver('http://silent.example/')).toMatchObject({ isDeferred: true });
    expect(transport.openCircuits).toBe(1);
  });

  it('are looked up once for a burst of deliveries if they do not exist', async () => {
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => deliver('http://nobody.example/')));
    const reasons = outcomes.filter((outcome) => !isDeferred(outcome)).map(reasonOf);
    expect(new Set(reasons)).toEqual(new Set(['The connection to the endpoint failed (ENOTFOUND).']));
    expect(names.asked.sort()).toEqual(['nobody.example A', 'nobody.example AAAA']);
  });
});

describe('a name whose address changes', () => {
  it('is checked by the address of each connection', async () => {
    webhooks.set('crm', webhookOptions.parse({ ...patient, allowedNetworks: ['127.0.0.2/32'] }));
    const reached: string[] = [];
    const port = await http(({ socket }, response) => {
      reached.push(String(socket.localAddress));
      response.writeHead(200, { connection: 'close' }).end();
    });
    const uri = `http://flux.example:${port}/`;
    zones.set('flux.example', { a: ['127.0.0.1', '127.0.0.2'], ttl: 0 });
    expect(await deliver(uri)).toEqual({ kind: 'delivered' });
    zones.set('flux.example', { a: ['127.0.0.1'], ttl: 0 });
    await untilForgotten();
    expect(await deliver(uri)).toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('loopback') as string,
    });
    expect(reached).toEqual(['127.0.0.2']);
  });

  /** Waits until the answer of the name server, which is used for a second, has expired. */
  const untilForgotten = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1001));

  it('is looked up at most once a second, also if its time to live is 0', async () => {
    const port = await http((_, response) => response.writeHead(200, { connection: 'close' }).end());
    zones.set('flux.example', { a: ['127.0.0.1'], ttl: 0 });
    const startedAt = performance.now();
    for (let at = 0; at < 20; at++) await deliver(`http://flux.example:${port}/`);
    const seconds = Math.ceil((performance.now() - startedAt) / 1000);
    expect(names.asked.length).toBeLessThanOrEqual(2 * seconds);
  });
});

const failed = /^The connection to the endpoint failed \([A-Z]\w+\)\.$/;
const timeOut = /^The endpoint did not answer within \d+ ms\.$/;

interface Misbehaviour {
  readonly scheme?: 'https';
  readonly start: () => Promise<number>;
  readonly reason: RegExp;
  /** Whether the time-out of the webhook ends the delivery. */
  readonly endsLate?: true;
}

describe.each<[string, Misbehaviour]>([
  ['never answers', { start: () => raw(() => undefined), reason: timeOut, endsLate: true }],
  [
    'never ends its TLS handshake',
    {
      scheme: 'https',
      start: () => raw(() => undefined),
      // The time-outs of the attempt and of the connection are equal, so either may end the attempt.
      reason: new RegExp(`${failed.source}|${timeOut.source}`),
      endsLate: true,
    },
  ],
  [
    'sends its header one byte at a time',
    { start: () => raw((socket) => drip(socket, 'HTTP/1.1 200 OK\r\nx-x: ', 'x')), reason: timeOut, endsLate: true },
  ],
  [
    'sends one header after the other',
    { start: () => raw((socket) => pour(socket, 'HTTP/1.1 200 OK\r\n', 'x-x: x\r\n')), reason: failed },
  ],
  [
    'sends a header without end',
    { start: () => raw((socket) => pour(socket, 'HTTP/1.1 200 OK\r\nx-x: ', 'x')), reason: failed },
  ],
  [
    'sends a body without end',
    { start: () => raw((socket) => pour(socket, 'HTTP/1.1 200 OK\r\n\r\n', 'x')), reason: /^delivered$/ },
  ],
  [
    'sends a body one byte at a time',
    {
      start: () => raw((socket) => drip(socket, 'HTTP/1.1 500 Oops\r\n\r\n', 'x')),
      reason: /^The endpoint answered 500\.$/,
      endsLate: true,
    },
  ],
  [
    'sends a chunk that never ends',
    {
      start: () =>
        raw((socket) => drip(socket, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffff\r\n', 'x')),
      reason: /^delivered$/,
      endsLate: true,
    },
  ],
  ['speaks something else', { start: () => raw((socket) => socket.end('220 smtp ready\r\n')), reason: failed }],
  ['closes at once', { start: () => raw((socket) => socket.destroy()), reason: failed }],
])('an endpoint that %s', (_, { scheme = 'http', start, reason, endsLate = false }) => {
  it('delays no other endpoint of its webhook', () =>
    withEnoughTime(async (timeoutMillis) => {
      webhooks.set('crm', webhookOptions.parse({ ...anywhere, timeoutMillis, maxConnections: 5 }));
      const [bad, good] = [await start(), await takesAll()];
      let hasEnded = false;
      const outcomes = Promise.all(Array.from({ length: 5 }, () => deliver(`${scheme}://127.0.0.1:${bad}/`)));
      void outcomes.finally(() => (hasEnded = true));
      expect(await deliver(`http://127.0.0.2:${good}/`)).toEqual({ kind: 'delivered' });
      if (endsLate) expect(hasEnded).toBe(false);
      expect((await outcomes).map(reasonOf)).toEqual(Array(5).fill(expect.stringMatching(reason)));
    }));
});

/** Sends the data repeatedly, with pauses. */
function drip(socket: Socket, head: string, more: string): void {
  socket.write(head);
  const timer = setInterval(() => socket.write(more), 20);
  socket.on('close', () => clearInterval(timer));
}

/** Sends the data repeatedly, as fast as it is read. */
function pour(socket: Socket, head: string, more: string): void {
  const chunk = more.repeat(1000);
  socket.write(head);
  // After an error the socket is not destroyed yet, and each further write fails at once, so the writes would never end.
  const next = (error?: Error | null): void => {
    if (!error && !socket.destroyed) socket.write(chunk, next);
  };
  next();
}

describe('a message to the operator', () => {
  const operator = { client: 'ops', user: 0, context: 0 };

  it('goes to the configured URI, signed by both schemes and without a user', async () => {
    let told = '';
    let headers: Readonly<Record<string, unknown>> = {};
    const port = await http((request, response) => {
      headers = request.headers;
      request.on('data', (chunk) => (told += String(chunk))).on('end', () => response.end());
    });
    const uri = `http://127.0.0.1:${port}/ops`;
    webhooks.set('ops', webhookOptions.parse({ ...patient, uri, signatureSecret: 'the secret of ops' }));
    expect(await deliver('', operator)).toEqual({ kind: 'delivered' });
    expect(JSON.parse(told)).toEqual({ event: 'ox:mail:new', payload: {}, timestamp: 1694677849605 });
    const hmac = (text: string) => createHmac('sha256', 'the secret of ops').update(text);
    expect(headers['x-ox-signature']).toBe(`t=1694677849605, v1=${hmac(`v1:1694677849605:${told}`).digest('hex')}`);
    const id = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}`;
    expect(headers['webhook-signature']).toBe(`v1,${hmac(`${id}.${told}`).digest('base64')}`);
  });

  it('goes only to allowed addresses', async () => {
    const port = await takesAll();
    const uri = `http://127.0.0.1:${port}/ops`;
    webhooks.set('ops', webhookOptions.parse({ ...patient, uri, allowedNetworks: [] }));
    expect(reasonOf(await deliver('', operator))).toContain('not a public one');
  });

  it('is misconfigured without a URI, and no other delivery gets the configured one', async () => {
    webhooks.set('ops', webhookOptions.parse({ ...patient }));
    expect(await deliver('', operator)).toMatchObject({ kind: 'misconfigured', isTargetOnly: true });
    webhooks.set('crm', webhookOptions.parse({ ...patient, uri: 'http://127.0.0.1:1/' }));
    expect(await deliver('')).toMatchObject({ kind: 'rejected' });
  });
});

describe('a receiver that asks for a pause', () => {
  it.each([429, 503])(
    'with %i and Retry-After gets no other delivery to this URI, and gets deliveries to other URIs',
    async (status) => {
      const asked: (string | undefined)[] = [];
      const port = await http(({ url }, response) => {
        asked.push(url);
        if (url === '/busy') response.writeHead(status, { 'retry-after': '60' });
        response.end();
      });
      const busy = `http://127.0.0.1:${port}/busy`;
      expect(await deliver(busy)).toMatchObject({ kind: 'retry', afterMs: 60_000 });
      const deferred = await deliver(busy, { user: 15 });
      expect(deferred).toMatchObject({ kind: 'retry', isDeferred: true });
      expect('afterMs' in deferred && deferred.afterMs).toBeGreaterThan(0);
      expect('afterMs' in deferred && deferred.afterMs).toBeLessThanOrEqual(60_000);
      expect(await deliver(`http://127.0.0.1:${port}/other`)).toEqual({ kind: 'delivered' });
      expect(await deliver(busy, { client: 'erp' })).toMatchObject({ kind: 'retry', afterMs: 60_000 });
      expect(asked).toEqual(['/busy', '/other', '/busy']);
    },
  );

  it.each([429, 503])(
    'with %i is paused only for the subscriptions that send the same Authorization',
    async (status) => {
      const busyFor = new Set(['Bearer anna']);
      const port = await http(({ headers: { authorization } }, response) => {
        if (busyFor.has(String(authorization))) response.writeHead(status, { 'retry-after': '60' });
        response.end();
      });
      const uri = `http://127.0.0.1:${port}/`;
      const [anna, berta] = [{ subscriptionId: 'anna' }, { subscriptionId: 'berta' }];
      expect(await deliver(uri, anna)).toMatchObject({ kind: 'retry', afterMs: 60_000 });
      expect(await deliver(uri, anna)).toMatchObject({ isDeferred: true });
      expect(await deliver(uri, berta)).toEqual({ kind: 'delivered' });
      expect(await deliver(uri)).toEqual({ kind: 'delivered' });
      expect(await deliver(uri, anna)).toMatchObject({ isDeferred: true });
      busyFor.clear();
      busyFor.add('undefined');
      expect(await deliver(uri)).toMatchObject({ kind: 'retry', afterMs: 60_000 });
      expect(await deliver(uri)).toMatchObject({ isDeferred: true });
      expect(await deliver(uri, berta)).toEqual({ kind: 'delivered' });
    },
  );

  it.each([401, 407, 429])(
    'or refuses credentials with %i counts as failed only if the subscription has no Authorization of its own',
    async (status) => {
      const port = await http((_, response) => response.writeHead(status).end());
      const uri = `http://127.0.0.1:${port}/`;
      expect(await deliver(uri)).toMatchObject({ isFromEndpoint: true });
      expect(await deliver(uri, { subscriptionId: 'anna' })).not.toHaveProperty('isFromEndpoint');
    },
  );

  it('gets a test push at once, and other deliveries after it has accepted that', async () => {
    let isBusy = true;
    const port = await http((_, response) => {
      if (isBusy) response.writeHead(503, { 'retry-after': '60' });
      response.end();
    });
    const uri = `http://127.0.0.1:${port}/`;
    await deliver(uri);
    isBusy = false;
    expect(await deliver(uri)).toMatchObject({ isDeferred: true });
    expect(await deliver(uri, { replyTo: 'a test' })).toEqual({ kind: 'delivered' });
    expect(await deliver(uri)).toEqual({ kind: 'delivered' });
  });

  it('gets the next delivery at the end of the pause, and after an hour at the latest', async () => {
    let now = Date.now();
    await transport.close();
    transport = new WebhookTransport({
      options: (client) => webhooks.get(client),
      metaOf: () => Promise.reject(new Error('No subscription of these tests has meta.')),
      now: () => now,
    });
    let retryAfter: string | undefined = '80000';
    const port = await http((_, response) => {
      if (retryAfter !== undefined) response.writeHead(429, { 'retry-after': retryAfter });
      response.end();
    });
    const uri = `http://127.0.0.1:${port}/`;
    expect(await deliver(uri)).toMatchObject({ kind: 'retry', afterMs: 80_000_000 });
    expect(await deliver(uri)).toMatchObject({ isDeferred: true, afterMs: 3_600_000 });
    now += 3_600_000;
    retryAfter = undefined;
    expect(await deliver(uri)).toEqual({ kind: 'delivered' });
  });
});
