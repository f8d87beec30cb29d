import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { rootCertificates } from 'node:tls';
import { AbortListeners, Deadlines } from '@pns/cancellation';
import type { FcmAnswer } from './fcm.outcome';

/** No answer within the time that is granted for one. */
export class FcmTimeoutError extends Error {
  constructor(what: string, timeoutMs: number) {
    super(`${what} did not answer within ${timeoutMs} ms.`);
    this.name = 'FcmTimeoutError';
  }
}

/** The connection failed or ended before the answer. The message holds a code and never an address. */
export class FcmConnectionError extends Error {
  constructor(cause: unknown) {
    super(`The connection to FCM failed (${codeOf(cause)}).`, { cause });
    this.name = 'FcmConnectionError';
  }
}

/** Each carries a hundred messages at once, as Google limits it; one in ten ms is a thousand a second each. */
const maxConnections = 4;
/** Streams of a connection until the far side says how many it allows, and the most that are used. */
const [usualStreams, mostStreams] = [100, 1000] as const;
const connectTimeoutMs = 10_000;
/** Routers forget idle connections without telling, and Google ends them after some minutes. */
const idleMs = 60_000;
/** Google's answers have a few hundred bytes. */
const maxAnswerChars = 64 * 1024;

interface Waiter {
  readonly take: (connection: Connection) => void;
  readonly fail: (error: Error) => void;
}

/**
 * HTTP/2 connections to one endpoint: opened when they are needed, kept, and never given more streams at once than the
 * far side allows; what is above that waits in line. Nothing is ever sent twice.
 */
export class FcmConnections {
  private readonly all = new Set<Connection>();
  private readonly line = new Set<Waiter>();
  private readonly ca: string[] | undefined;
  private readonly deadlines: Deadlines;
  private readonly aborts = new AbortListeners();
  private streamsEach: number = usualStreams;

  constructor(
    private readonly origin: string,
    caFile: string | undefined,
    private readonly timeoutMs: number,
  ) {
    this.deadlines = new Deadlines(timeoutMs);
    // A certificate of one's own is trusted beside the public ones, not instead of them.
    this.ca = caFile === undefined ? undefined : [...rootCertificates, caFile];
  }

  /**
   * Posts `body` once. The time for an answer begins when the far side has room for the request. Rejects with an
   * `FcmTimeoutError`, an `FcmConnectionError`, or the reason of an aborted `signal`.
   */
  async post(path: string, headers: Record<string, string>, body: string, signal: AbortSignal): Promise<FcmAnswer> {
    const connection = await this.slot(signal);
    try {
      signal.throwIfAborted();
      const { answer, cancel } = connection.post(path, headers, body);
      const stopListening = this.aborts.add(signal, cancel);
      const stopWaiting = this.deadlines.add(() => {
        // It may be this message's trouble or the connection's, which does not say; the next ones had better not find out.
        connection.retire();
        cancel(new FcmTimeoutError('FCM', this.timeoutMs));
      });
      return await answer.finally(() => {
        stopListening();
        stopWaiting();
      });
    } finally {
      connection.release();
      this.serve();
    }
  }

  /** How many messages all connections carry at once. */
  get capacity(): number {
    return maxConnections * this.streamsEach;
  }

  /** Ends all connections at once. */
  destroy(): void {
    for (const connection of this.all) connection.destroy();
  }

  /** A connection with room for one more stream, in the order of asking. */
  private slot(signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.line.delete(waiter);
        stopListening();
      };
      const waiter: Waiter = {
        take: (connection) => {
          leave();
          resolve(connection);
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const stopListening = this.aborts.add(signal, waiter.fail);
      this.line.add(waiter);
      this.serve();
    });
  }

  private serve(): void {
    for (const waiter of this.line) {
      const free = [...this.all].find((connection) => connection.hasRoom);
      if (free === undefined) return this.grow();
      free.reserve();
      waiter.take(free);
    }
  }

  private grow(): void {
    const usable = [...this.all].filter(({ isRetired }) => !isRetired);
    if (usable.length >= maxConnections || usable.some(({ isConnecting }) => isConnecting)) return;
    const connection = new Connection(this.origin, this.ca);
    this.all.add(connection);
    connection.opened.then(
      () => {
        this.streamsEach = Math.max(1, Math.min(connection.maxStreams, mostStreams));
        this.serve();
      },
      (error: unknown) => {
        // Whoever waits may still be served by another connection; without one, waiting would be for nothing.
        if ([...this.all].some((other) => other !== connection && !other.isRetired)) return;
        const failure = error instanceof FcmTimeoutError ? error : new FcmConnectionError(error);
        for (const waiter of this.line) waiter.fail(failure);
      },
    );
    void connection.closed.then(() => {
      this.all.delete(connection);
      // Whoever waited for one that never opened has been told; trying again at once would go on for ever.
      if (!connection.isConnecting) this.serve();
    });
  }
}

/** One HTTP/2 session. */
class Connection {
  /** Rejects with the reason when there is no session. */
  readonly opened: Promise<void>;
  readonly closed: Promise<void>;
  isConnecting = true;
  /** Set once it is to carry nothing new. */
  isRetired = false;
  private readonly session: ClientHttp2Session;
  private streams = 0;

  constructor(origin: string, ca: string[] | undefined) {
    const session = connect(origin, { ALPNProtocols: ['h2'], ...(ca && { ca }) });
    this.session = session;
    this.closed = new Promise((resolve) => session.once('close', resolve));
    this.opened = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new FcmTimeoutError('FCM', connectTimeoutMs)), connectTimeoutMs);
      // Only the far side's settings tell how many streams it allows; they are the first thing that it says.
      session.once('remoteSettings', () => {
        clearTimeout(timer);
        this.isConnecting = false;
        resolve();
      });
      session.once('error', reject);
      session.once('close', () => {
        clearTimeout(timer);
        reject(new FcmConnectionError({ code: 'closed' }));
      });
    });
    this.opened.catch(() => session.destroy());
    // Its streams are told themselves, and `opened` tells of a session that never was.
    session.on('error', () => this.retire());
    session.on('goaway', () => this.retire());
    session.on('close', () => this.retire());
    session.setTimeout(idleMs, () => this.retire());
  }

  get hasRoom(): boolean {
    if (this.isConnecting || this.isRetired || this.session.closed) return false;
    return this.streams < this.maxStreams;
  }

  /** What the far side allows at once. */
  get maxStreams(): number {
    return this.session.remoteSettings.maxConcurrentStreams ?? Infinity;
  }

  reserve(): void {
    this.streams++;
  }

  release(): void {
    this.streams--;
    if (this.isRetired && this.streams === 0) this.session.destroy();
  }

  retire(): void {
    this.isRetired = true;
    if (this.streams === 0) this.session.destroy();
  }

  destroy(): void {
    this.session.destroy();
  }

  /** The answer, and how to wait for it no longer. */
  post(
    path: string,
    headers: Record<string, string>,
    body: string,
  ): { answer: Promise<FcmAnswer>; cancel: (error: Error) => void } {
    const stream = this.open(path, headers, body);
    let cancel: (error: Error) => void = () => undefined;
    const answer = new Promise<FcmAnswer>((resolve, reject) => {
      let status = 0;
      let retryAfter: string | undefined;
      let text = '';
      const settle = (error?: Error): void => {
        // A message that was taken is taken, whatever becomes of the rest of the answer.
        if (error === undefined || status === 200) {
          resolve({ status, body: text, ...(retryAfter !== undefined && { retryAfter }) });
        } else reject(error);
        if (error !== undefined) stream.close(constants.NGHTTP2_CANCEL);
      };
      cancel = settle;
      stream.setEncoding('utf8');
      stream.on('response', (response) => {
        status = response[':status'] ?? 0;
        retryAfter = response['retry-after'];
      });
      stream.on('data', (chunk: string) => {
        if (text.length < maxAnswerChars) text += chunk;
      });
      stream.on('end', () => settle(status === 0 ? new FcmConnectionError({ code: 'no answer' }) : undefined));
      stream.on('error', (error) => settle(new FcmConnectionError(error)));
      stream.on('close', () => settle(new FcmConnectionError({ code: `stream closed, ${stream.rstCode}` })));
    });
    return { answer, cancel };
  }

  private open(path: string, headers: Record<string, string>, body: string): ClientHttp2Stream {
    try {
      const stream = this.session.request({ ':method': 'POST', ':path': path, ...headers });
      stream.end(body);
      return stream;
    } catch (error) {
      throw new FcmConnectionError(error);
    }
  }
}

/** The error's code and never its message, which would tell addresses and names. */
export function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name);
}
