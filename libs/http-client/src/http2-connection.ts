import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders, type Settings } from 'node:http2';
import { isIP } from 'node:net';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import { failedConnection, type GoAwayReason, type NoAnswerError } from './no-answer';

/** The server of a pool, and its rules for connections. */
export interface Http2Peer {
  /** The name of the peer in sentences, for example `Apple`. */
  readonly name: string;
  /** For example `https://api.push.apple.com`. */
  readonly origin: string;
  /** Our certificate and the authorities that we trust. Default: no certificate and the public authorities. */
  readonly secureContext?: SecureContext;
  readonly maxConnections: number;
  /** The number of streams of a connection that is assumed until the peer has sent its limit. */
  readonly usualStreams: number;
  /** Whether a connection without streams is checked with a PING or closed, after `idleMs`. */
  readonly whenIdle: 'ping' | 'close';
  /** Whether the body of an answer with this status is read. */
  readonly readsBody: (status: number) => boolean;
  /** Whether the next requests need another connection after an answer with this status. */
  readonly endsConnection?: (status: number) => boolean;
  /** Returns the reason in the debug data of a GOAWAY. */
  readonly goAwayReason?: (data: string) => GoAwayReason | undefined;
}

/** Time limits, in ms. */
export interface Http2Times {
  /** The most time that a request waits for a stream, and the most time that it then waits for its answer. */
  readonly answerMs: number;
  /** The most time from the connect until the peer has sent its settings. */
  readonly connectMs: number;
  /** A connection with open streams that has received no answer for this time is checked with a PING. */
  readonly silentMs: number;
  /** A connection without streams is checked or closed after this time. */
  readonly idleMs: number;
  /** A connection that has not answered a PING within this time is closed. */
  readonly pongMs: number;
}

/** The answer to one request. */
export interface Http2Answer {
  readonly status: number;
  /** The value of the header `retry-after`. */
  readonly retryAfter?: string;
  /** Empty if the peer's `readsBody` is false for the status. */
  readonly body: string;
  /** The error if the answer broke off after its status. */
  readonly brokenBy?: Error;
}

/** A request that waits for a stream or for its answer. */
export interface PendingRequest {
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
  /**
   * Called with the answer, with an error, or with `untouched` if the peer did not process the request and another connection may
   * send the request.
   */
  readonly end: (result: Http2Answer | Error | 'untouched') => void;
  /** The connection that sends the request, and a function that closes its stream. Set while the request has a stream. */
  connection?: Http2Connection | undefined;
  cancel?: ((error: Error) => void) | undefined;
}

/** A connection is replaced after this many streams, because stream ids are below 2^31, and a client uses every second id. */
const maxStreams = 2 ** 29;

/** The most characters of an answer's body that are read. */
const maxAnswerChars = 64 * 1024;

const { HTTP2_HEADER_STATUS, NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = constants;

/** One HTTP/2 connection, from its connect to its close. */
export class Http2Connection {
  private readonly socket: TLSSocket;
  private readonly session: ClientHttp2Session;
  /** The peer's limit of streams at once. No stream may be opened before the peer has sent this limit. */
  private limit = 0;
  private taken = 0;
  private inFlight = 0;
  private isRetiring = false;
  private isEndedByAnswer = false;
  private isPinging = false;
  /**
   * `answeredAt` is the time of the peer's last answer, and `heardAt` the time of its last answer, PONG or first settings. Both
   * times are on the clock of `performance.now()`.
   */
  private answeredAt = performance.now();
  private heardAt = this.answeredAt;
  private lastStreamId = Infinity;
  private failure: NoAnswerError | undefined;
  /** Whether the peer has sent its settings. */
  isOpen = false;
  /** Whether a request was answered. Apple allows one stream until then. */
  hasAnswered = false;

  constructor(
    private readonly peer: Http2Peer,
    private readonly times: Http2Times,
    /** Called when the connection may accept more requests than before, or accepts none for now. */
    private readonly onRoom: () => void,
    /** Called once, when the connection is closed. */
    onClosed: (failure: NoAnswerError) => void,
  ) {
    this.socket = tlsSocket(peer);
    const session = connect(peer.origin, {
      createConnection: () => this.socket,
      settings: { enablePush: false },
      // In MB. The default of 10 MB is too little for a thousand streams.
      maxSessionMemory: 100,
    });
    this.session = session;
    const timer = setTimeout(() => this.fail('ETIMEDOUT'), times.connectMs);
    const watch = setInterval(() => this.watch(), Math.min(times.silentMs, times.idleMs) / 2);
    session.on('remoteSettings', ({ maxConcurrentStreams = Infinity }: Settings) => {
      clearTimeout(timer);
      if (!this.isOpen) this.heardAt = performance.now();
      this.isOpen = true;
      this.limit = maxConcurrentStreams;
      onRoom();
    });
    session.on('goaway', (code: number, lastStreamId: number, data?: Buffer) => {
      this.lastStreamId = lastStreamId;
      const said = data === undefined ? undefined : peer.goAwayReason?.(data.toString());
      this.failure ??= failedConnection(peer.name, `GOAWAY ${code}`, said);
      this.retire();
    });
    session.on('error', (error: NodeJS.ErrnoException) => {
      this.failure ??= failedConnection(peer.name, error.code ?? error.name);
    });
    session.on('close', () => {
      clearTimeout(timer);
      clearInterval(watch);
      this.isRetiring = true;
      onClosed(this.failure ?? failedConnection(peer.name, 'ECONNRESET'));
    });
  }

  /** How many requests the peer accepts at once; undefined before the first answer. */
  get streams(): number | undefined {
    return this.hasAnswered ? this.limit : undefined;
  }

  /** Whether the connection can send a request now. */
  get hasRoom(): boolean {
    const isUsable = !this.isRetiring && !this.isPinging && !this.session.destroyed && !this.session.closed;
    return isUsable && this.inFlight < this.limit;
  }

  /** Whether more requests may fit soon, because the connection opens, or the peer may allow more streams after an answer. */
  get isPromising(): boolean {
    return !this.isRetiring && !this.isPinging && !this.hasAnswered;
  }

  /** Sends a request on a new stream. Must be called only if `hasRoom`. */
  take(request: PendingRequest): void {
    const { peer } = this;
    const stream = this.session.request(request.headers);
    this.inFlight++;
    if (++this.taken >= maxStreams) this.isRetiring = true;
    let status = 0;
    let retryAfter: string | undefined;
    let body = '';
    let error: Error | undefined;
    const finish = (): void => {
      if (request.cancel === undefined) return;
      request.cancel = undefined;
      request.connection = undefined;
      const isWhole = error === undefined && (status === 0 || !peer.readsBody(status) || stream.readableEnded);
      const brokenBy = isWhole ? undefined : (error ?? this.failureOf(stream.rstCode));
      if (status !== 0) {
        request.end({
          status,
          body,
          ...(retryAfter !== undefined && { retryAfter }),
          ...(brokenBy !== undefined && { brokenBy }),
        });
      } else if (error === undefined && this.isUntouched(stream.id, stream.rstCode)) request.end('untouched');
      else request.end(error ?? this.failureOf(stream.rstCode));
    };
    request.connection = this;
    request.cancel = (reason) => {
      error = reason;
      stream.close(NGHTTP2_CANCEL);
      finish();
    };
    stream.on('response', (headers) => {
      this.answeredAt = this.heardAt = performance.now();
      this.hasAnswered = true;
      status = Number(headers[HTTP2_HEADER_STATUS]);
      this.isEndedByAnswer = peer.endsConnection?.(status) ?? false;
      const wait = headers['retry-after'];
      if (typeof wait === 'string') retryAfter = wait;
      if (!peer.readsBody(status)) return void stream.resume();
      stream.setEncoding('utf8');
      stream.on('data', (chunk: string) => {
        if (body.length < maxAnswerChars) body += chunk;
      });
    });
    stream.on('error', () => undefined);
    stream.on('close', () => {
      this.inFlight--;
      finish();
      if (this.isRetiring && this.inFlight === 0) this.end();
      else this.onRoom();
      if (this.isEndedByAnswer && this.inFlight === 0) this.retire();
    });
    stream.end(request.body);
  }

  /** Stops accepting requests, and closes the connection when the requests in progress have ended. */
  retire(): void {
    this.isRetiring = true;
    if (this.inFlight === 0) this.end();
  }

  /** Retires the connection if the peer has sent no answer for `forMs`, even if it answers PINGs. */
  retireIfMute(forMs: number): void {
    if (performance.now() - this.answeredAt >= forMs) this.retire();
  }

  /**
   * Whether the peer did not process a stream, because the stream id is above the last id in a GOAWAY or the stream was refused;
   * RFC 9113, 6.8 and 8.7.
   */
  private isUntouched(id: number | undefined, rstCode: number | undefined): boolean {
    // Another connection does not help if the peer refuses our credentials.
    if (this.failure?.outcome.kind === 'misconfigured') return false;
    return rstCode === NGHTTP2_REFUSED_STREAM || id === undefined || id > this.lastStreamId;
  }

  private failureOf(rstCode: number | undefined): NoAnswerError {
    return this.failure ?? failedConnection(this.peer.name, `stream ended with ${rstCode}`);
  }

  private watch(): void {
    if (!this.isOpen || this.isPinging || this.session.destroyed) return;
    const { silentMs, idleMs } = this.times;
    if (performance.now() - this.heardAt < (this.inFlight > 0 ? silentMs : idleMs)) return;
    if (this.inFlight > 0 || this.peer.whenIdle === 'ping') this.ping();
    else this.retire();
  }

  /** Sends a PING, and closes the connection unless the peer answers in time. No request is accepted until the answer. */
  private ping(): void {
    this.isPinging = true;
    const timer = setTimeout(() => this.fail('no answer to PING'), this.times.pongMs);
    this.session.ping((error) => {
      clearTimeout(timer);
      this.isPinging = false;
      if (error) return;
      this.heardAt = performance.now();
      this.onRoom();
    });
    // Waiting requests may need another connection.
    this.onRoom();
  }

  private fail(code: string): void {
    this.failure ??= failedConnection(this.peer.name, code);
    this.end();
  }

  /**
   * Closes the connection in the next turn of the event loop. Handlers of HTTP/2 run while Node is reading from the session, and
   * reading from a session that was destroyed meanwhile can end the process (nodejs/node#64850).
   */
  private end(): void {
    this.isRetiring = true;
    setImmediate(() => {
      this.session.destroy();
      // Node's HTTP/2 waits until the peer closes the connection, which may never happen.
      this.socket.destroy();
    });
  }
}

function tlsSocket({ origin, secureContext }: Http2Peer): TLSSocket {
  const { hostname, port } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  return connectTls({
    host,
    port: Number(port || 443),
    // An IP address is not sent as server name, but is still checked against the certificate.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ['h2'],
    ...(secureContext === undefined ? {} : { secureContext }),
  });
}
