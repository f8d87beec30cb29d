import type { LookupAddress } from 'node:dns';
import type { IncomingHttpHeaders } from 'node:http';
import type { LookupFunction } from 'node:net';
import { Deadlines, onAbort } from '@pns/cancellation';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { addressRule, hostRule, type Network, networks } from './address-rule';
import { InterimAnswers } from './interim-answers';
import { NameError } from './name-lookup';
import { trustBeside } from './trust';

/** The parts of an endpoint's answer that are used. */
interface GuardedAnswer {
  readonly status: number;
  readonly retryAfter?: string;
  /** The reason phrase of the status line. */
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * The endpoint's address is not allowed. The message names the rule and not the address, which users must not learn.
 */
export class BlockedAddressError extends Error {
  constructor(rule: string) {
    super(
      `The endpoint's address is not a public one (${rule}), and allowedNetworks of this client does not contain it.`,
    );
    this.name = 'BlockedAddressError';
  }
}

/** The endpoint did not answer within the time-out of the client. */
export class AnswerTimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`The endpoint did not answer within ${timeoutMs} ms.`);
    this.name = 'AnswerTimeoutError';
  }
}

/** How a client connects. */
interface GuardedOptions {
  /** Networks in CIDR notation that are allowed in addition to public addresses. */
  readonly allowedNetworks: readonly string[];
  /** Maximum number of connections to one endpoint at the same time. */
  readonly maxConnections: number;
  /** The time limit from the start of a request to its answer. */
  readonly timeoutMillis: number;
  /** Certificates in PEM that are trusted in addition to the public authorities. */
  readonly caFile?: string | undefined;
  /** How long an idle connection is kept, in ms, unless the endpoint sends a time in its `Keep-Alive` header. */
  readonly idleMs?: number;
}

/**
 * Node's servers close an idle connection after five seconds. This shorter time prevents a server from closing a connection
 * while we use it.
 */
const defaultIdleMs = 4000;

/** The URI to which a request is sent. */
export interface GuardedTarget {
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
}

/** Returns the addresses of a name that was looked up before the attempt. Throws if the name was not found. */
type AddressesOf = (hostname: string) => readonly LookupAddress[];

/** A body up to this size is read, so that the connection can be used again; a longer one closes the connection. */
const maxAnswerBytes = 16 * 1024;

/** Maximum number of interim answers (1xx) that are read before the answer to one request; the next one ends the attempt. */
const maxInterimAnswers = 32;

/** The endpoint has sent more than `maxInterimAnswers`. */
class InterimAnswersError extends Error {
  readonly code = 'TOO_MANY_INTERIM_ANSWERS';
}

/**
 * Sends requests to endpoints that users choose. Keeps connections open between requests, at most `maxConnections` for
 * each endpoint. Connects only to allowed addresses. Never retries.
 */
export class GuardedClient {
  private readonly agent: Agent;
  private readonly timeoutMs: number;
  private readonly deadlines: Deadlines;

  constructor(options: GuardedOptions, addressesOf: AddressesOf) {
    const { allowedNetworks, maxConnections, timeoutMillis, caFile, idleMs = defaultIdleMs } = options;
    this.timeoutMs = timeoutMillis;
    this.deadlines = new Deadlines(timeoutMillis);
    this.agent = new Agent({
      connections: maxConnections,
      connect: guardedConnector(networks(allowedNetworks), addressesOf, timeoutMillis, caFile),
      keepAliveTimeout: idleMs,
      // undici's timers are switched off, because our timer ends slow requests and also covers the wait for a connection.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /**
   * Posts `body`. Resolves when the answer was read to its end, or was cut off because it is long or slow. Rejects with an
   * `AnswerTimeoutError`, a `BlockedAddressError`, the reason of an aborted `signal`, or the connection's error.
   */
  post(
    { origin, path }: GuardedTarget,
    headers: Record<string, string>,
    body: string | Buffer,
    signal: AbortSignal,
  ): Promise<GuardedAnswer> {
    return new Promise((resolve, reject) => {
      const answered = new AnswerHandler(
        (answer) => {
          settle();
          resolve(answer);
        },
        (reason) => {
          settle();
          reject(reason);
        },
      );
      const stopWaiting = this.deadlines.add(() => answered.abort(new AnswerTimeoutError(this.timeoutMs)));
      const stopListening = onAbort(signal, (reason) => answered.abort(reason));
      const settle = (): void => {
        stopWaiting();
        stopListening();
      };
      try {
        this.agent.dispatch({ origin, path, method: 'POST', headers, body }, answered);
      } catch (error) {
        settle();
        throw error;
      }
    });
  }

  /** Waits for requests in progress and closes the connections. */
  close(): Promise<void> {
    return this.agent.close();
  }
}

/**
 * Receives undici's callbacks for one request. undici's `request` is not used, because it creates a stream, a signal and
 * listeners for each request, which cost as much as the request itself.
 */
class AnswerHandler implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private answer: GuardedAnswer | undefined;
  private aborted: Error | undefined;
  private readBytes = 0;
  private interimAnswers = 0;

  constructor(
    private readonly onAnswer: (answer: GuardedAnswer) => void,
    private readonly onFailure: (reason: Error) => void,
  ) {}

  /** Cancels the request at once, also before it has a connection. */
  abort(reason: Error): void {
    this.aborted = reason;
    this.end(reason);
    this.controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.aborted === undefined) this.controller = controller;
    else controller.abort(this.aborted);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText = '',
  ): void {
    if (status < 200) {
      if (++this.interimAnswers > maxInterimAnswers) controller.abort(new InterimAnswersError());
      return;
    }
    const retryAfter = headers['retry-after'];
    this.answer = { status, statusText, headers, ...(typeof retryAfter === 'string' && { retryAfter }) };
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.readBytes += chunk.length;
    if (this.readBytes > maxAnswerBytes) controller.abort(new Error('The answer is too long to be read to its end.'));
  }

  onResponseEnd(): void {
    this.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.end(error);
  }

  /** Reports the answer if its head has arrived, even if its body was cut off; otherwise the failure. */
  private end(error?: Error): void {
    if (this.answer !== undefined) this.onAnswer(this.answer);
    else this.onFailure(error ?? new Error('The connection ended without an answer.'));
  }
}

/** Returns a connector that also checks hosts written as addresses, because Node calls `lookup` only for names. */
function guardedConnector(
  allowed: readonly Network[],
  addressesOf: AddressesOf,
  timeoutMs: number,
  caFile: string | undefined,
): buildConnector.connector {
  const lookup = guardedLookup(allowed, addressesOf);
  const connect = buildConnector({ lookup, timeout: timeoutMs, ...trustBeside(caFile) });
  return (options, callback) => {
    const rule = hostRule(options.hostname, allowed);
    if (rule !== undefined) return callback(new BlockedAddressError(rule), null);
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null);
      InterimAnswers.rewriteOn(socket);
      callback(null, socket);
    });
  };
}

/** Returns a `lookup` that finds only the allowed addresses of a name, so that the connection can use no other. */
function guardedLookup(allowed: readonly Network[], addressesOf: AddressesOf): LookupFunction {
  return (hostname, { all, family = 0 }, callback) => {
    // A socket expects that `callback` is called asynchronously.
    process.nextTick(() => {
      try {
        const reachable = reachableOf(addressesOf(hostname), allowed);
        const fitting = reachable.filter((each) => family === 0 || family === each.family);
        const [first] = fitting;
        if (all === true) callback(null, fitting);
        else if (first !== undefined) callback(null, first.address, first.family);
        else callback(new NameError('ENODATA'), []);
      } catch (error) {
        callback(error as NodeJS.ErrnoException, []);
      }
    });
  };
}

/** Returns the allowed addresses in `found`. Throws a `BlockedAddressError` if there is none. */
export function reachableOf(found: readonly LookupAddress[], allowed: readonly Network[]): LookupAddress[] {
  const rules = found.map(({ address }) => addressRule(address, allowed));
  const reachable = found.filter((_, index) => rules[index] === undefined);
  if (reachable.length === 0) throw new BlockedAddressError(rules[0] ?? 'no address');
  return reachable;
}
