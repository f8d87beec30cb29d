import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { constants, createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { withEnoughTime } from '@pns/local-servers/waiting';
import { makeAuthority } from '@pns/sandbox';
import { apnsOptions, ApnsTransport } from '@pns/transport-apns';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { fcmOptions, FcmTransport } from '@pns/transport-fcm';

/** The times of a sender that a test changes, in ms. */
interface Times {
  readonly answerMs?: number;
  readonly silentMs?: number;
  readonly pongMs?: number;
}

interface Sender {
  readonly name: 'apns' | 'fcm';
  /** The most connections that the sender opens. */
  readonly connections: number;
  /** A token for each index. */
  readonly token: (index: number) => string;
  transport(origin: string, tokenOrigin: string, times: Times): Transport & { close(): Promise<void> };
}

const authority = makeAuthority();
const caFile = authority.cert;
const pem = { type: 'pkcs8', format: 'pem' } as const;
const privatekey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem);
const serviceAccount = {
  type: 'service_account',
  project_id: 'pns-test',
  private_key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem),
  client_email: 'sender@pns-test.iam.gserviceaccount.com',
};

/** The tested transports, which all use HTTP/2. */
const senders: readonly Sender[] = [
  {
    name: 'apns',
    connections: 2,
    token: (index) => index.toString(16).padStart(64, '0'),
    transport: (endpoint, _, times) => {
      const ids = { keyid: 'KEY0000001', teamid: 'TEAM000001', topic: 'com.example.mail' };
      const options = apnsOptions.parse({ authtype: 'jwt', privatekey, ...ids, endpoint, caFile });
      return new ApnsTransport({ options: () => options, content: () => ({ data: {} }), times });
    },
  },
  {
    name: 'fcm',
    connections: 4,
    token: (index) => `phone:${index}`,
    transport: (endpoint, tokenOrigin, times) => {
      const tokenEndpoint = `${tokenOrigin}/token`;
      const options = fcmOptions.parse({ serviceAccount, endpoint, tokenEndpoint, caFile });
      return new FcmTransport({ options: () => options, content: () => ({ data: {} }), times });
    },
  },
];

/** An HTTP/2 server behind a TCP proxy, which counts connections and can cut or freeze them. */
class FarSide {
  /** The requests that the server answered: path and body. */
  readonly answered: string[] = [];
  connections = 0;
  streams = 0;
  mostStreams = 0;
  refusesConnections = false;
  answer: (stream: ServerHttp2Stream, accept: () => void) => void = (_, accept) => accept();
  private readonly proxied = new Set<[Socket, Socket]>();

  private constructor(
    private readonly server: Http2SecureServer,
    private readonly proxy: Server,
  ) {
    server.on('stream', (stream, headers) => this.handle(stream, headers[':path'] ?? ''));
    server.on('request', (request, response) => {
      if (request.httpVersionMajor === 2) return;
      response.end(JSON.stringify({ access_token: 'a-token', expires_in: 3600 }));
    });
    proxy.on('connection', (near) => {
      this.connections++;
      if (this.refusesConnections) return void near.destroy();
      const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
      const pair: [Socket, Socket] = [near, far];
      this.proxied.add(pair);
      near.pipe(far).on('error', () => near.destroy());
      far.pipe(near).on('error', () => far.destroy());
      near.on('close', () => {
        this.proxied.delete(pair);
        far.destroy();
      });
    });
  }

  static async start(maxConcurrentStreams = 100): Promise<FarSide> {
    const settings = { maxConcurrentStreams };
    const server = createSecureServer({ ...authority.server, allowHTTP1: true, settings });
    const proxy = createServer();
    const far = new FarSide(server, proxy);
    await Promise.all([server, proxy].map((each) => once(each.listen(0, '127.0.0.1'), 'listening')));
    return far;
  }

  get origin(): string {
    return `https://localhost:${(this.proxy.address() as AddressInfo).port}`;
  }

  get tokenOrigin(): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  /** Stops all data on the connections that are open now, without closing them. */
  freeze(): void {
    for (const pair of this.proxied) {
      for (const socket of pair) {
        socket.unpipe();
        socket.pause();
      }
    }
  }

  close(): void {
    this.server.close();
    this.proxy.close();
    for (const [near] of this.proxied) near.destroy();
  }

  private handle(stream: ServerHttp2Stream, path: string): void {
    this.streams++;
    const open = streamsOf(stream);
    open.add(stream);
    this.mostStreams = Math.max(this.mostStreams, open.size);
    stream.on('close', () => open.delete(stream));
    stream.on('error', () => undefined);
    let body = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    stream.on('end', () =>
      this.answer(stream, () => {
        this.answered.push(`${path} ${body}`);
        stream.respond({ ':status': 200 });
        stream.end('{}');
      }),
    );
  }
}

const open = new WeakMap<object, Set<ServerHttp2Stream>>();

function streamsOf({ session }: ServerHttp2Stream): Set<ServerHttp2Stream> {
  const key = session ?? {};
  const known = open.get(key) ?? new Set();
  open.set(key, known);
  return known;
}

describe.each(senders)('$name', (sender) => {
  const undo: (() => unknown)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0)) await step();
  });

  /** Starts a far side and a transport that delivers to it. The time-outs suit a busy machine, unless `times` sets them. */
  async function start(times: Times = {}, maxStreams?: number) {
    const far = await FarSide.start(maxStreams);
    const patient = { answerMs: 25_000, silentMs: 20_000, pongMs: 20_000, ...times };
    const transport = sender.transport(far.origin, far.tokenOrigin, patient);
    undo.push(
      () => transport.close(),
      () => far.close(),
    );
    const deliver = (index = 0, signal = new AbortController().signal): Promise<Outcome> =>
      transport.deliver(deliveryTo(sender, index), signal);
    const deliverMany = (count: number): Promise<Outcome[]> =>
      Promise.all(Array.from({ length: count }, (_, index) => deliver(index)));
    return { far, transport, deliver, deliverMany };
  }

  const delivered = (count: number): string[] => Array.from({ length: count }, () => 'delivered');
  const kinds = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ kind }) => kind);

  it('keeps its connection, and opens no more streams at once than the far side allows', async () => {
    const { far, deliver, deliverMany } = await start({}, 5);
    for (let count = 0; count < 10; count++) await deliver();
    expect(far.connections).toBe(1);
    expect(kinds(await deliverMany(300))).toEqual(delivered(300));
    expect(far.mostStreams).toBeLessThanOrEqual(5);
    expect(far.streams).toBe(310);
    expect(far.connections).toBeLessThanOrEqual(sender.connections);
  });

  it('moves streams above the last one of a GOAWAY to another connection, each sent once', async () => {
    const { far, deliver, deliverMany } = await start();
    await deliver(1000);
    let left = 10;
    const [first] = [far.connections];
    far.answer = (stream, accept) => {
      if (left > 0) accept();
      if (--left === 0) stream.session?.goaway(constants.NGHTTP2_NO_ERROR, stream.id);
      far.answer = left > 0 ? far.answer : (later, acceptLater) => later.session !== stream.session && acceptLater();
    };
    expect(kinds(await deliverMany(60))).toEqual(delivered(60));
    expect(far.answered).toHaveLength(61);
    expect(new Set(far.answered).size).toBe(61);
    expect(far.connections).toBeGreaterThan(first ?? 0);
  });

  it('moves refused streams, each sent once', async () => {
    const { far, deliver, deliverMany } = await start();
    await deliver(1000);
    let refusals = 20;
    far.answer = (stream, accept) => {
      if (refusals-- > 0) stream.close(constants.NGHTTP2_REFUSED_STREAM);
      else accept();
    };
    expect(kinds(await deliverMany(60))).toEqual(delivered(60));
    expect(far.answered).toHaveLength(61);
    expect(new Set(far.answered).size).toBe(61);
  });

  it('moves a stream five times at most', async () => {
    const { far, deliver } = await start();
    far.answer = (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM);
    expect(await deliver()).toMatchObject({ kind: 'retry', reason: expect.stringContaining('refused') as string });
    expect(far.streams).toBe(6);
  });

  it('never repeats a request that the provider may have processed', async () => {
    const { far, deliver } = await start();
    far.answer = (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    expect(await deliver()).toMatchObject({ kind: 'retry' });
    expect(far.streams).toBe(1);
  });

  it('closes a silent connection that answers no PING, and sends over another one', () =>
    withEnoughTime(async (pongMs) => {
      const { far, deliver } = await start({ silentMs: 100, pongMs });
      expect(await deliver()).toMatchObject({ kind: 'delivered' });
      far.freeze();
      expect(await deliver()).toMatchObject({ kind: 'retry', reason: expect.stringContaining('PING') as string });
      expect(await deliver()).toMatchObject({ kind: 'delivered' });
      expect(far.connections).toBe(2);
    }));

  it('keeps a slow connection that answers PINGs', async () => {
    const { far, deliver } = await start({ silentMs: 200 });
    await deliver();
    let pings = 0;
    far.answer = (stream, accept) =>
      stream.session?.on('ping', () => {
        if (++pings === 2) accept();
      });
    expect(await deliver()).toMatchObject({ kind: 'delivered' });
    expect(far.connections).toBe(1);
  });

  it.each([
    ['nothing', (far: FarSide) => far.freeze()],
    ['only PINGs', (far: FarSide) => (far.answer = () => undefined)],
  ])('sends over another connection when one answers %s until a delivery is late', (_, silence) =>
    withEnoughTime(async (answerMs) => {
      const { far, deliver } = await start({ answerMs, silentMs: answerMs / 3 });
      expect(await deliver()).toMatchObject({ kind: 'delivered' });
      silence(far);
      expect(await deliver()).toMatchObject({ kind: 'retry', reason: expect.stringContaining('within') as string });
      far.answer = (_stream, accept) => accept();
      expect(await deliver()).toMatchObject({ kind: 'delivered' });
      expect(far.connections).toBe(2);
    }),
  );

  it('waits after a failed connect, and defers deliveries until then', async () => {
    const { far, deliver } = await start();
    far.refusesConnections = true;
    const failed = await deliver();
    expect(failed).toMatchObject({ kind: 'retry' });
    expect(failed).not.toHaveProperty('isDeferred');
    expect(await deliver()).toMatchObject({ kind: 'retry', isDeferred: true, afterMs: expect.any(Number) as number });
    expect(far.connections).toBe(1);
  });

  it('ends an aborted delivery and its stream', async () => {
    const { far, deliver } = await start({}, 1);
    const stop = new AbortController();
    far.answer = () => stop.abort(new Error('stopping'));
    await expect(deliver(0, stop.signal)).rejects.toThrow('stopping');
    far.answer = (_, accept) => accept();
    expect(await deliver()).toMatchObject({ kind: 'delivered' });
    expect(far.connections).toBe(1);
  });

  it('closes when the deliveries in progress have ended', async () => {
    const { far, transport, deliver } = await start();
    let accept: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => {
      far.answer = (_, acceptIt) => {
        accept = acceptIt;
        resolve();
      };
    });
    const outcome = deliver();
    await arrived;
    const closed = transport.close();
    accept();
    expect(await outcome).toMatchObject({ kind: 'delivered' });
    await closed;
  });
});

function deliveryTo({ name, token }: Sender, index: number): Delivery {
  const target = { client: 'mail', transport: name, token: token(index) } as const;
  const what = { topic: 'ox:mail:new', payload: {}, priority: 'high', count: 1 } as const;
  const when = { timestamp: Date.now(), dueAt: Date.now(), attempt: 1 };
  return { id: `d-${index}`, notificationId: 'n-1', context: 1, user: 14, ...target, ...what, ...when };
}
