import { codeOf, type FormAnswer, NoAnswerError, postForm, trustBeside } from '@pns/http-client';
import { Agent, type Dispatcher, errors } from 'undici';
import type { TokenRequest } from './wns.access-token';
import type { WnsAnswer } from './wns.outcome';
import type { WnsPush } from './wns.payload';

/** The request failed before there was an answer. The reason names no host and no token. */
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

/** What is read of an answer's body: WNS sends none. */
const maxAnswerBytes = 64 * 1024;

/** So many connections for each of Microsoft's hosts; the wait for one takes nothing of a request's time. */
export const connectionsPerHost = 100;

/** Connections are made many at once, which takes its time and says nothing about how soon an answer is to come. */
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

  /** Resolves once the answer's headers are there. Rejects with a `NoAnswerError` or the reason of an aborted `signal`. */
  async push(channel: URL, { headers, body }: WnsPush, accessToken: string, signal: AbortSignal): Promise<WnsAnswer> {
    const authorized = { ...headers, Authorization: `Bearer ${accessToken}` };
    const answer = await this.post(channel, authorized, body, signal);
    // The verdict is known; reading on only decides whether the connection can be used again.
    await answer.body.dump({ limit: maxAnswerBytes }).catch(() => undefined);
    return answerOf(answer);
  }

  /** Rejects with a `NoAnswerError`. */
  async requestToken({ url, body }: TokenRequest): Promise<FormAnswer> {
    try {
      return await postForm(this.agent, url, body, this.timeoutMs);
    } catch (error) {
      throw failedRequest("Microsoft's token endpoint", error, this.timeoutMs);
    }
  }

  /** Lets what is on its way finish and closes the connections. */
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
      // The request could not even be written: a bug of ours, which no later attempt will mend.
      if (error instanceof TypeError || error instanceof errors.InvalidArgumentError) throw error;
      throw failedRequest('WNS', error, this.timeoutMs);
    }
  }
}

function answerOf({ statusCode, statusText, headers }: Dispatcher.ResponseData): WnsAnswer {
  const single = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]);
  return { status: statusCode, statusText, headers: Object.fromEntries(single) as WnsAnswer['headers'] };
}
