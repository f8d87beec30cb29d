import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders, type Settings } from 'node:http2';
import { isIP } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { PushIdentity } from './apns.credentials';
import { type ApnsAnswer, documentedVerdict } from './apns.outcome';

/** Where a connection leads, and who we are on it. */
export interface ApnsEndpoint {
  /** Such as `https://api.push.apple.com`. */
  readonly origin: string;
  /** Our own certificate and key; absent where each push carries a provider token. */
  readonly identity?: PushIdentity;
  /** PEM of those who may certify the other side; the usual ones unless given. */
  readonly ca?: string;
}

/** How long what may take, all in ms. */
export interface ApnsTimes {
  /** From handing a push over to its answer, the wait for a connection or a stream included. */
  readonly answerMs: number;
  /** Until a new connection can be used. */
  readonly connectMs: number;
  /** A connection that owes an answer and says nothing for so long is asked with a PING. */
  readonly silentMs: number;
  /** One that owes nothing is asked after so long. */
  readonly idleMs: number;
  /** It is given up when the PING is not answered within this. */
  readonly pongMs: number;
}

/** 5 s of silence, at most 2.5 s until somebody looks, 5 s for the answer: 12.5 s until a dead connection is given up. */
export const defaultTimes: ApnsTimes = {
  answerMs: 15_000,
  connectMs: 10_000,
  silentMs: 5000,
  idleMs: 60_000,
  pongMs: 5000,
};

/** One push between being handed over and being answered. */
export interface PendingPush {
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
  /** What became of it: the answer, an error, or that the other side will not look at it, so that it may go elsewhere. */
  readonly end: (result: ApnsAnswer | Error | 'untouched') => void;
  /** Gives up its stream. Set while it has one. */
  cancel?: ((error: Error) => void) | undefined;
}

/** A connection could not be made, or broke. */
export class ApnsConnectionError extends Error {
  override readonly name = 'ApnsConnectionError';

  constructor(
    /** Of the system, of TLS or of HTTP/2. Never its message, which would tell addresses. */
    readonly code: string,
    /** What Apple gave as the reason when it closed the connection. */
    readonly reason?: string,
  ) {
    super(`The connection to Apple failed (${reason ?? code}).`);
  }

  /** Whether the other side refuses our credentials, as it says in a GOAWAY or in an alert of TLS. */
  get isAboutCredentials(): boolean {
    const isAlert = /^ERR_SSL_.*ALERT.*(?:CERT|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)/.test(this.code);
    return isAlert || documentedVerdict(403, this.reason ?? '') === 'misconfigured';
  }
}

/** Streams of a connection have numbers below 2^31, every other of which is ours; it is replaced long before. */
const maxStreams = 2 ** 29;

/** What is read of the body of an answer, in characters; Apple's are shorter than 100. */
const maxAnswerLength = 4096;

const { HTTP2_HEADER_STATUS, NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;

/** One HTTP/2 connection to Apple, from being opened to being closed. */
export class ApnsConnection {
  private readonly socket: TLSSocket;
  private readonly session: ClientHttp2Session;
  private readonly times: ApnsTimes;
  /** The peer's limit of streams at once; none may be opened before it has told. */
  private limit = 0;
  private taken = 0;
  private inFlight = 0;
  private isRetiring = false;
  private wasRefused = false;
  private isPinging = false;
  private isQuiet = true;
  private quietSince = performance.now();
  private lastStreamId = Infinity;
  private failure: ApnsConnectionError | undefined;
  /** Whether the peer spoke HTTP/2 with us at all. */
  isOpen = false;
  /** Whether a push was answered, after which Apple grants more than the first stream. */
  hasAnswered = false;

  constructor(
    endpoint: ApnsEndpoint,
    times: ApnsTimes,
    /** Called whenever more pushes may fit than before, or none may any more. */
    private readonly onRoom: () => void,
    /** Called once, when nothing of it is left. */
    onClosed: (failure: ApnsConnectionError) => void,
  ) {
    this.times = times;
    const { origin, identity, ca } = endpoint;
    const { hostname, port } = new URL(origin);
    const host = hostname.replace(/^\[|\]$/g, '');
    this.socket = connectTls({
      host,
      port: Number(port || 443),
      // An address is not sent as a name, and is checked against the certificate all the same.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ['h2'],
      ...identity,
      ...(ca === undefined ? {} : { ca }),
    });
    const session = connect(origin, {
      createConnection: () => this.socket,
      settings: { enablePush: false },
      // The default of 10 MB is full before a thousand streams are.
      maxSessionMemory: 100,
    });
    this.session = session;
    const timer = setTimeout(() => this.fail('ETIMEDOUT'), times.connectMs);
    const watch = setInterval(() => this.watch(), Math.min(times.silentMs, times.idleMs) / 2);
    session.on('remoteSettings', ({ maxConcurrentStreams = Infinity }: Settings) => {
      clearTimeout(timer);
      this.isOpen = true;
      this.limit = maxConcurrentStreams;
      onRoom();
    });
    session.on('goaway', (code: number, lastStreamId: number, data?: Buffer) => {
      this.lastStreamId = lastStreamId;
      this.failure ??= new ApnsConnectionError(`GOAWAY ${code}`, saidIn(data?.toString() ?? '').reason);
      this.retire();
    });
    session.on('error', (error: NodeJS.ErrnoException) => {
      this.failure ??= new ApnsConnectionError(error.code ?? error.name);
    });
    session.on('close', () => {
      clearTimeout(timer);
      clearInterval(watch);
      this.isRetiring = true;
      onClosed(this.failure ?? new ApnsConnectionError('ECONNRESET'));
    });
  }

  /** How many pushes the peer takes at once, once it has answered one. */
  get streams(): number | undefined {
    return this.hasAnswered ? this.limit : undefined;
  }

  /** Whether it can take a push now. */
  get hasRoom(): boolean {
    const isUsable = !this.isRetiring && !this.isPinging && !this.session.destroyed && !this.session.closed;
    return isUsable && this.inFlight < this.limit;
  }

  /** Whether it will be able to take pushes by waiting: it is being made, or has yet to be told that it may have more streams. */
  get isPromising(): boolean {
    return !this.isRetiring && !this.isPinging && !this.hasAnswered;
  }

  /** Sends a push on a stream of its own; there must be room. */
  take(push: PendingPush): void {
    const stream = this.session.request(push.headers);
    this.inFlight++;
    if (++this.taken >= maxStreams) this.isRetiring = true;
    let status = 0;
    let retryAfter: string | undefined;
    let body = '';
    let error: Error | undefined;
    push.cancel = (reason) => {
      // Where the verdict has come already, only words about it are missing.
      error = status === 0 ? reason : undefined;
      stream.close(NGHTTP2_CANCEL);
      finish();
    };
    const finish = (): void => {
      if (push.cancel === undefined) return;
      push.cancel = undefined;
      if (status !== 0) {
        const said = status === 200 ? {} : saidIn(body);
        push.end({ status, ...said, ...(retryAfter !== undefined && { retryAfter }) });
      } else if (error === undefined && this.isUntouched(stream.id, stream.rstCode)) push.end('untouched');
      else push.end(error ?? this.failure ?? new ApnsConnectionError(`stream ended with ${stream.rstCode}`));
    };
    stream.on('response', (headers) => {
      this.isQuiet = false;
      this.hasAnswered = true;
      status = Number(headers[HTTP2_HEADER_STATUS]);
      this.wasRefused = status === 403;
      const wait = headers['retry-after'];
      if (typeof wait === 'string') retryAfter = wait;
      // Nothing more is said about a push that was taken.
      if (status === 200) return void stream.resume();
      stream.setEncoding('latin1');
      stream.on('data', (chunk: string) => {
        if (body.length < maxAnswerLength) body += chunk;
      });
    });
    stream.on('error', () => undefined);
    stream.on('close', () => {
      this.inFlight--;
      finish();
      if (this.isRetiring && this.inFlight === 0) this.end();
      else this.onRoom();
      // Apple: after credentials were refused, go on over a new connection.
      if (this.wasRefused && this.inFlight === 0) this.retire();
    });
    stream.end(push.body);
  }

  /** Takes nothing more, and closes when what is on its way has been answered. */
  retire(): void {
    this.isRetiring = true;
    if (this.inFlight === 0) this.end();
  }

  /** RFC 9113, 6.8 and 8.7: streams above the last one of a GOAWAY, and refused ones, were not looked at. */
  private isUntouched(id: number | undefined, rstCode: number | undefined): boolean {
    // Nor will it look at them over another connection when it is us whom it refuses.
    if (this.failure?.isAboutCredentials) return false;
    return rstCode === NGHTTP2_REFUSED_STREAM || id === undefined || id > this.lastStreamId;
  }

  private watch(): void {
    const now = performance.now();
    if (!this.isQuiet || !this.isOpen) this.quietSince = now;
    this.isQuiet = true;
    const quietMs = now - this.quietSince;
    if (
      this.isPinging ||
      this.session.destroyed ||
      quietMs < (this.inFlight > 0 ? this.times.silentMs : this.times.idleMs)
    )
      return;
    this.isPinging = true;
    const timer = setTimeout(() => this.fail('no answer to PING'), this.times.pongMs);
    this.session.ping((error) => {
      clearTimeout(timer);
      this.isPinging = false;
      if (error) return;
      this.isQuiet = false;
      this.onRoom();
    });
    // Whoever waits need not wait for this one.
    this.onRoom();
  }

  private fail(code: string): void {
    this.failure ??= new ApnsConnectionError(code);
    this.end();
  }

  private end(): void {
    this.session.destroy();
    // HTTP/2 would take leave of the other side and wait for it to close, which it may never do.
    this.socket.destroy();
  }
}

/** What the JSON says that comes with answers that are no success, and with GOAWAY. */
function saidIn(json: string): Pick<ApnsAnswer, 'reason' | 'timestamp'> {
  try {
    const { reason, timestamp } = JSON.parse(json) as { reason?: unknown; timestamp?: unknown };
    return {
      ...(typeof reason === 'string' && reason !== '' && { reason }),
      ...(typeof timestamp === 'number' && { timestamp }),
    };
  } catch {
    return {};
  }
}
