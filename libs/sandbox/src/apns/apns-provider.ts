import { once } from 'node:events';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { randomUUID } from 'node:crypto';
import type { Arrivals, Check, WireRequest } from '../arrivals';
import type { Authority } from '../certificates';
import { AppleAccounts, type Environment } from './apple-accounts';
import { deviceTokenOf, type PushRequest, type Refusal, refusalOf } from './apple-rules';
import { ApnsDevice } from './apns-device';
import { type ApnsFault, ApnsFaults } from './apns-fault';
import { type Connection, silence } from './apns-connection';

export const apnsProvider = 'apns';

/** How the simulated Apple is started. */
export interface ApnsProviderOptions {
  /** 0 selects a free port. */
  readonly port: number;
  /** The address to listen on. Default: 127.0.0.1. */
  readonly host?: string;
  readonly authority: Authority;
  readonly arrivals: Arrivals;
  /** The simulated environment of Apple. Default: `production`. */
  readonly environment?: Environment;
  /** The most concurrent streams on a connection after its sender is known. Default: 1000. */
  readonly maxStreams?: number;
  /** The most concurrent streams before a provider token was accepted. Default: 1, as at Apple. */
  readonly maxStreamsAtFirst?: number;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
}

/** The most bytes of a push that are read. */
const maxReadBytes = 64 * 1024;
const maxDevices = 200_000;
/** How long a sender may keep a connection open after GOAWAY. */
const goingMs = 60_000;

/** Starts a simulation of Apple Push Notification service, over TLS and HTTP/2. */
export async function startApns(options: ApnsProviderOptions): Promise<ApnsProvider> {
  const provider = new ApnsProvider(options);
  await provider.listen(options.port, options.host ?? '127.0.0.1');
  return provider;
}

/** Simulates Apple Push Notification service: `POST /3/device/<token>`, for any device token of a valid form. */
export class ApnsProvider {
  readonly accounts: AppleAccounts;
  /** Faults of every device without its own fault. */
  readonly faults = new ApnsFaults();
  /** After this number of streams a connection gets GOAWAY; later streams are not processed. */
  goAwayAfter = Infinity;
  /** The number of connections in total, open now, and the most at once. A connection does not count as open after its GOAWAY. */
  readonly connections = { total: 0, open: 0, peak: 0 };
  private readonly devices = new Map<string, ApnsDevice>();
  private readonly server: Http2SecureServer;
  private readonly sockets = new Map<number, Socket>();
  private readonly going = new Set<Socket>();
  private readonly sessions = new WeakMap<ServerHttp2Session, Connection>();
  private readonly arrivals: Arrivals;
  private readonly hostname: string;
  private readonly maxStreams: number;

  constructor(options: ApnsProviderOptions) {
    const { authority, arrivals, environment = 'production', maxStreams = 1000, maxStreamsAtFirst = 1 } = options;
    this.arrivals = arrivals;
    this.hostname = authority.hostname;
    this.maxStreams = maxStreams;
    this.accounts = new AppleAccounts(authority, environment, options.now ?? Date.now);
    this.server = createSecureServer({
      ...authority.server,
      ca: authority.cert,
      requestCert: true,
      // Apple reports a wrong certificate in its answers, so the connection must be accepted.
      rejectUnauthorized: false,
      settings: { maxConcurrentStreams: maxStreamsAtFirst },
      maxSessionMemory: 1000,
    });
    this.server.on('connection', (socket: Socket) => this.connected(socket));
    this.server.on('session', (session) => this.started(session));
    this.server.on('stream', (stream, headers, _flags, rawHeaders?: string[]) => {
      this.received(
        stream,
        headers,
        rawHeaders ?? Object.entries(headers).flatMap(([name, value]) => [name, String(value)]),
      );
    });
    this.server.on('sessionError', () => undefined);
    this.server.on('tlsClientError', () => undefined);
  }

  /** Without a trailing slash. */
  get url(): string {
    return `https://${this.hostname}:${this.port}`;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async listen(port: number, host: string): Promise<void> {
    this.server.listen(port, host);
    await once(this.server, 'listening');
  }

  async close(): Promise<void> {
    for (const socket of [...this.sockets.values(), ...this.going]) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The device of this token, which is created if it is new. */
  device(token: string): ApnsDevice {
    const name = token.toLowerCase();
    let device = this.devices.get(name);
    if (device === undefined) {
      device = new ApnsDevice(name);
      if (this.devices.size < maxDevices) this.devices.set(name, device);
    }
    return device;
  }

  known(): ApnsDevice[] {
    return [...this.devices.values()];
  }

  /** The devices as the page shows them. */
  targets() {
    return this.known().map((device) => ({ provider: apnsProvider, target: device.token, ...device.state }));
  }

  private connected(socket: Socket): void {
    const { remotePort = 0 } = socket;
    this.sockets.set(remotePort, socket);
    this.connections.total++;
    this.connections.peak = Math.max(this.connections.peak, ++this.connections.open);
    socket.on('close', () => {
      if (this.sockets.delete(remotePort)) this.connections.open--;
    });
  }

  /** Counts a connection as closed after its GOAWAY and last answer; destroys it if the sender does not close it in `goingMs`. */
  private gone({ socket }: Connection): void {
    if (!this.sockets.delete(socket.remotePort ?? 0)) return;
    this.connections.open--;
    this.going.add(socket);
    const timer = setTimeout(() => socket.destroy(), goingMs).unref();
    socket.on('close', () => {
      clearTimeout(timer);
      this.going.delete(socket);
    });
  }

  private started(session: ServerHttp2Session): void {
    const socket = this.sockets.get(session.socket.remotePort ?? 0);
    if (socket === undefined) return session.destroy();
    const tls = session.socket as TLSSocket;
    // A certificate of another authority counts as no certificate.
    const certificate = tls.authorized ? tls.getPeerCertificate().fingerprint256 : undefined;
    const connection: Connection = {
      socket,
      certificate,
      isKnown: false,
      streams: 0,
      unanswered: 0,
      isGoing: false,
      isSilent: false,
    };
    this.sessions.set(session, connection);
    session.on('error', () => undefined);
    if (certificate !== undefined) this.welcome(session, connection);
  }

  private welcome(session: ServerHttp2Session, connection: Connection): void {
    if (connection.isKnown) return;
    connection.isKnown = true;
    session.settings({ maxConcurrentStreams: this.maxStreams });
  }

  private received(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: string[]): void {
    stream.on('error', () => undefined);
    const { session } = stream;
    const connection = session && this.sessions.get(session as ServerHttp2Session);
    // After GOAWAY new streams are not processed.
    if (!connection || connection.isGoing || connection.isSilent) return;
    if (++connection.streams >= this.goAwayAfter) {
      connection.isGoing = true;
      session.goaway(0, stream.id);
    }
    connection.unanswered++;
    stream.on('close', () => {
      if (--connection.unanswered === 0 && connection.isGoing) this.gone(connection);
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxReadBytes) chunks.push(chunk);
    });
    stream.on('end', () =>
      this.arrived(stream, session as ServerHttp2Session, connection, headers, rawHeaders, chunks),
    );
  }

  private arrived(
    stream: ServerHttp2Stream,
    session: ServerHttp2Session,
    connection: Connection,
    headers: IncomingHttpHeaders,
    rawHeaders: string[],
    chunks: readonly Buffer[],
  ): void {
    const body = Buffer.concat(chunks);
    const { ':method': method = '', ':path': path = '' } = headers;
    const push: PushRequest = { method, path, headers: headers as PushRequest['headers'], rawHeaders, body };
    const device = this.device(deviceTokenOf(path) ?? '');
    const refusal = this.judge(push, session, connection, device);
    const fault = device.faults.take() ?? this.faults.take();
    const status = fault?.status ?? refusal?.status ?? 200;
    const answer = fault?.hang || fault?.silence ? 'hang' : fault?.reset ? 'reset' : status;
    const id = headers['apns-id'];
    const request: WireRequest = { path, rawHeaders: withoutToken(rawHeaders), latin1Body: body.toString('latin1') };
    this.arrivals.add({
      at: Date.now(),
      provider: apnsProvider,
      target: device.token,
      request,
      answer,
      isDuplicate: device.count(typeof id === 'string' ? id : undefined, answer === 200),
      check: () => [checkOf(refusal)],
    });
    const respond = (): void => this.answer(stream, connection, id, fault ?? {}, refusal);
    if (fault?.delayMs === undefined) respond();
    else setTimeout(respond, fault.delayMs).unref();
  }

  /** Apple's answer to a refused push; undefined if the push is accepted. */
  private judge(
    push: PushRequest,
    session: ServerHttp2Session,
    connection: Connection,
    device: ApnsDevice,
  ): Refusal | undefined {
    const { authorization, 'apns-topic': topic } = push.headers;
    const { firstKey, certificate } = connection;
    const admission = this.accounts.admit({ authorization, topic, firstKey, certificate });
    if ('reason' in admission) return admission;
    if (admission.keyid !== undefined) connection.firstKey ??= admission.keyid;
    this.welcome(session, connection);
    const refusal = refusalOf(push);
    if (refusal) return refusal;
    device.topic ??= admission.topic;
    return device.topic === admission.topic ? undefined : { status: 400, reason: 'DeviceTokenNotForTopic' };
  }

  private answer(
    stream: ServerHttp2Stream,
    connection: Connection,
    id: string | string[] | undefined,
    fault: ApnsFault,
    refusal: Refusal | undefined,
  ): void {
    if (fault.silence) silence(connection);
    if (fault.hang || connection.isSilent || stream.destroyed || stream.closed) return;
    if (fault.reset) {
      setImmediate(() => connection.socket.resetAndDestroy()); // as in resetConnection
      return;
    }
    const status = fault.status ?? refusal?.status ?? 200;
    const reason = fault.status === undefined ? refusal?.reason : fault.reason;
    stream.respond({
      ':status': status,
      'apns-id': typeof id === 'string' ? id : randomUUID().toUpperCase(),
      ...(fault.retryAfterSeconds !== undefined && { 'retry-after': String(fault.retryAfterSeconds) }),
    });
    if (fault.hangAfterHeaders) return;
    // With 410 Apple also returns the time at which the device token became invalid, in ms since the epoch.
    const timestamp = status === 410 ? { timestamp: Date.now() } : {};
    if (reason === undefined) stream.end();
    else stream.end(JSON.stringify({ reason, ...timestamp }));
  }
}

/** The headers without the provider token, which is a secret. */
function withoutToken(rawHeaders: readonly string[]): readonly string[] {
  const at = rawHeaders.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'authorization');
  return at === -1 ? rawHeaders : rawHeaders.with(at + 1, 'bearer …');
}

function checkOf(refusal: Refusal | undefined): Check {
  const name = 'as Apple asks';
  return refusal === undefined ? { name, verdict: 'valid' } : { name, verdict: 'invalid', reason: refusal.reason };
}
