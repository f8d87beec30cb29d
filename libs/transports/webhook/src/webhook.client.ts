import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { addressRule, hostRule, type Network, networks } from './webhook.address';
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

/** What is read of an answer's body, so that its connection can be used again; a longer one costs the connection. */
const maxAnswerBytes = 16 * 1024;

/** The HTTP connections of one webhook client: kept open between deliveries, so many for each endpoint. Never retries. */
export class WebhookClient {
  private readonly agent: Agent;
  private readonly timeoutMs: number;

  constructor({ allowedNetworks, maxConnections, timeoutMillis }: WebhookOptions) {
    this.timeoutMs = timeoutMillis;
    this.agent = new Agent({
      connections: maxConnections,
      connect: guardedConnector(networks(allowedNetworks), timeoutMillis),
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
  async post(
    { origin, path }: Pick<Target, 'origin' | 'path'>,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<WebhookAnswer> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new WebhookTimeoutError(this.timeoutMs)), this.timeoutMs);
    const stop = (): void => limit.abort(signal.reason);
    signal.addEventListener('abort', stop);
    try {
      const answer = await this.agent.request({
        origin,
        path,
        method: 'POST',
        headers,
        body,
        signal: limit.signal,
      });
      // The verdict is known; reading on only decides whether the connection can be used again.
      await answer.body.dump({ limit: maxAnswerBytes }).catch(() => undefined);
      const retryAfter = answer.headers['retry-after'];
      return { status: answer.statusCode, ...(typeof retryAfter === 'string' && { retryAfter }) };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  /** Lets what is on its way finish and closes the connections. */
  close(): Promise<void> {
    return this.agent.close();
  }
}

/** Checks a host written as an address itself: Node looks up names only. */
function guardedConnector(allowed: readonly Network[], timeoutMs: number): buildConnector.connector {
  const connect = buildConnector({ lookup: guardedLookup(allowed), timeout: timeoutMs });
  return (options, callback) => {
    const rule = hostRule(options.hostname, allowed);
    if (rule === undefined) connect(options, callback);
    else callback(new BlockedAddressError(rule), null);
  };
}

/** Looks a name up and passes on only those of its addresses that may be reached, so that nothing else can be connected to. */
function guardedLookup(allowed: readonly Network[]): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      const rules = found.map(({ address }) => addressRule(address, allowed));
      const reachable = found.filter((_, index) => rules[index] === undefined);
      const [first] = reachable;
      if (first === undefined) return callback(new BlockedAddressError(rules[0] ?? 'no address'), []);
      if (options.all) callback(null, reachable);
      else callback(null, first.address, first.family);
    });
  };
}
