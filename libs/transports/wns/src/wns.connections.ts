import { codeOf, type FormAnswer, NoAnswerError, postForm, trustBeside } from '@pns/http-client';
import { Agent, type Dispatcher, errors } from 'undici';
import type { TokenRequest } from './wns.access-token';
import type { WnsAnswer } from './wns.outcome';
import type { WnsPush } from './wns.payload';

/** The error for a request that failed before its answer arrived. The reason names no host and no token. */
function failedRequest(who: string, error: unknown, timeoutMs: number): NoAnswerError {
  const isLate =
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    (error instanceof DOMException && error.name === 'TimeoutError');
  const reason = isLate
    ? `${who} did not answer within ${timeoutMs} ms.`
    : `The connection to ${who} failed (${codeOf(error)}).`;
  return new NoAnswerError({ kind: 'retry', reason }, { cause: error });
}

/** The most bytes of an answer's body that are read. WNS sends no body. */
const maxAnswerBytes = 64 * 1024;

/** The most connections to each of Microsoft's hosts. Waiting for one does not count towards the time limit of a request. */
export const connectionsPerHost = 100;

/** The time limit for a new connection, in ms. It is long, because many connections may be opened at once. */
const connectTimeoutMs = 10_000;

/** The HTTP connections of one client, kept open between deliveries. Follows no redirect and never retries. */
export class WnsConnections {
  private readonly agent: Agent;

  constructor(
    caFile: string | undefined,
    private readonly timeoutMs: number,
  ) {
    this.agent = new Agent({
      connections: connectionsPerHost,
      connect: { timeout: connectTimeoutMs, ...trustBeside(caFile) },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
  }

  /**
   * Resolves when the headers of the answer have arrived. Rejects with a `NoAnswerError` or the reason of an aborted `signal`.
   */
  async push(channel: URL, { headers, body }: WnsPush, accessToken: string, signal: AbortSignal): Promise<WnsAnswer> {
    const authorized = { ...headers, Authorization: `Bearer ${accessToken}` };
    const answer = await this.post(channel, authorized, body, signal);
    // The outcome is known. Whether the body can be read decides only if the connection can be reused.
    await answer.body.dump({ limit: maxAnswerBytes }).catch(() => undefined);
    return answerOf(answer);
  }

  /** Requests an access token. Rejects with a `NoAnswerError`. */
  async requestToken({ url, body }: TokenRequest): Promise<FormAnswer> {
    try {
      return await postForm(this.agent, url, body, this.timeoutMs);
    } catch (error) {
      throw failedRequest("Microsoft's token endpoint", error, this.timeoutMs);
    }
  }

  /** Closes the connections when the requests in progress have ended. */
  close(): Promise<void> {
    return this.agent.close();
  }

  private async post(
    { origin, pathname, search }: URL,
    headers: Record<string, string>,
    body: string,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    try {
      return await this.agent.request({ origin, path: pathname + search, method: 'POST', headers, body, signal });
    } catch (error) {
      signal.throwIfAborted();
      // The request could not be written. This is a bug in PNS, which a retry does not fix.
      if (error instanceof TypeError || error instanceof errors.InvalidArgumentError) throw error;
      throw failedRequest('WNS', error, this.timeoutMs);
    }
  }
}

function answerOf({ statusCode, statusText, headers }: Dispatcher.ResponseData): WnsAnswer {
  const single = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]);
  return { status: statusCode, statusText, headers: Object.fromEntries(single) as WnsAnswer['headers'] };
}
