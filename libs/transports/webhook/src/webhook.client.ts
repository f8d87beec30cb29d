import type { LookupAddress } from 'node:dns';
import type { IncomingHttpHeaders } from 'node:http';
import type { LookupFunction } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { AbortListeners, Deadlines } from '@pns/cancellation';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { addressRule, hostRule, type Network, networks } from './webhook.address';
import { InterimAnswers } from './webhook.interim-answers';
import { NameError } from './webhook.lookup';
import type { WebhookOptions } from './webhook.options';
import type { Target } from './webhook.target';

/** An endpoint's answer, as far as anybody looks at it. */
export interface WebhookAnswer {
  readonly status: number;
  readonly retryAfter?: string;
}

/** The endpoint's address may not be reached. The message names the rule and not the address, which is none of a user's business. */
export class BlockedAddressError extends Error {
  constructor(rule: string) {
    super(
      `The endpoint's address is not a public one (${rule}), and allowedNetworks of this webhook does not hold it.`,
    );
    this.name = 'BlockedAddressError';
  }
}

/** No answer within the time that the webhook's options grant. */
export class WebhookTimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`The endpoint did not answer within ${timeoutMs} ms.`);
    this.name = 'WebhookTimeoutError';
  }
}

/** The addresses of a name that was looked up before the attempt. Throws where it was not found. */
type AddressesOf = (hostname: string) => readonly LookupAddress[];

/** What is read of an answer's body, so that its connection can be used again; a longer one costs the connection. */
const maxAnswerBytes = 16 * 1024;

/** Interim answers (1xx) that are read before the answer to one request; more end the attempt. */
const maxInterimAnswers = 32;

/** Many interim answers and no answer. */
class InterimAnswersError extends Error {
  readonly code = 'TOO_MANY_INTERIM_ANSWERS';
}

/** The HTTP connections of one webhook client: kept open between deliveries, so many for each endpoint. Never retries. */
export class WebhookClient {
  private readonly agent: Agent;
  private readonly timeoutMs: number;
  private readonly deadlines: Deadlines;
  private readonly aborts = new AbortListeners();

  constructor(options: WebhookOptions, addressesOf: AddressesOf) {
    const { allowedNetworks, maxConnections, timeoutMillis, caFile } = options;
    this.timeoutMs = timeoutMillis;
    this.deadlines = new Deadlines(timeoutMillis);
    this.agent = new Agent({
      connections: maxConnections,
      connect: guardedConnector(networks(allowedNetworks), addressesOf, timeoutMillis, trustOf(caFile)),
      // Below the five seconds after which Node's servers close an idle connection, perhaps just as we use it.
      keepAliveTimeout: 4000,
      // Our own timer, which covers the wait for a connection too, ends what takes too long.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /**
   * Posts `body` and resolves once the answer is read, or cut off where it is long or slow. Rejects with a `WebhookTimeoutError`, a
   * `BlockedAddressError`, the reason of an aborted `signal`, or the connection's error.
   */
  post(
    { origin, path }: Pick<Target, 'origin' | 'path'>,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<WebhookAnswer> {
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
      const stopWaiting = this.deadlines.add(() => answered.abort(new WebhookTimeoutError(this.timeoutMs)));
      const stopListening = this.aborts.add(signal, (reason) => answered.abort(reason));
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

  /** Lets what is on its way finish and closes the connections. */
  close(): Promise<void> {
    return this.agent.close();
  }
}

/**
 * What undici tells of one request. Its own `request` makes a stream, a signal and their listeners for each, which costs as
 * much as the request itself.
 */
class AnswerHandler implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | undefined;
  private answer: WebhookAnswer | undefined;
  private aborted: Error | undefined;
  private readBytes = 0;
  private interimAnswers = 0;

  constructor(
    private readonly onAnswer: (answer: WebhookAnswer) => void,
    private readonly onFailure: (reason: Error) => void,
  ) {}

  /** Gives the request up, at once and also before it has a connection. */
  abort(reason: Error): void {
    this.aborted = reason;
    this.end(reason);
    this.controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.aborted === undefined) this.controller = controller;
    else controller.abort(this.aborted);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) {
      if (++this.interimAnswers > maxInterimAnswers) controller.abort(new InterimAnswersError());
      return;
    }
    const retryAfter = headers['retry-after'];
    this.answer = { status, ...(typeof retryAfter === 'string' && { retryAfter }) };
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

  /** Once the verdict is known, reading on only decided whether the connection can be used again. */
  private end(error?: Error): void {
    if (this.answer !== undefined) this.onAnswer(this.answer);
    else this.onFailure(error ?? new Error('The connection ended without an answer.'));
  }
}

/** The usual authorities and those of `caFile`. Made once: reading all these certificates for each connection takes 50 ms of it. */
function trustOf(caFile: string | undefined): SecureContext | undefined {
  return caFile === undefined ? undefined : createSecureContext({ ca: [...rootCertificates, caFile] });
}

/** Checks a host written as an address itself: Node looks up names only. */
function guardedConnector(
  allowed: readonly Network[],
  addressesOf: AddressesOf,
  timeoutMs: number,
  secureContext: SecureContext | undefined,
): buildConnector.connector {
  const lookup = guardedLookup(allowed, addressesOf);
  const connect = buildConnector({ lookup, timeout: timeoutMs, ...(secureContext && { secureContext }) });
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

/** Passes on only those addresses of a name that may be reached, so that nothing else can be connected to. */
function guardedLookup(allowed: readonly Network[], addressesOf: AddressesOf): LookupFunction {
  return (hostname, { all, family = 0 }, callback) => {
    // Sockets expect the answer after they asked.
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

/** @throws BlockedAddressError when none of them may be reached. */
function reachableOf(found: readonly LookupAddress[], allowed: readonly Network[]): LookupAddress[] {
  const rules = found.map(({ address }) => addressRule(address, allowed));
  const reachable = found.filter((_, index) => rules[index] === undefined);
  if (reachable.length === 0) throw new BlockedAddressError(rules[0] ?? 'no address');
  return reachable;
}
