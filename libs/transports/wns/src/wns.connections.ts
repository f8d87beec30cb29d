import { createSecureContext, rootCertificates } from 'node:tls';
import { Agent, type Dispatcher, errors } from 'undici';
import type { TokenRequest } from './wns.access-token';
import type { WnsAnswer } from './wns.outcome';
import type { WnsPush } from './wns.payload';

/** The request failed before there was an answer. The message names no host and no token. */
export class WnsConnectionError extends Error {
  constructor(who: string, error: unknown, timeoutMs: number) {
    const isLate = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
    super(
      isLate ? `${who} did not answer within ${timeoutMs} ms.` : `The connection to ${who} failed (${codeOf(error)}).`,
      { cause: error },
    );
    this.name = 'WnsConnectionError';
  }
}

/** What is read of an answer's body: WNS sends none, and a token is some kilobytes. */
const maxAnswerBytes = 64 * 1024;

/** So many connections for each of Microsoft's hosts; the wait for one takes nothing of a request's time. */
export const connectionsPerHost = 100;

/** Connections are made many at once, which takes its time and says nothing about how soon an answer is to come. */
const connectTimeoutMs = 10_000;

/** A token endpoint's answer; `json` is empty where the body is no JSON object. */
export interface TokenAnswer extends WnsAnswer {
  readonly json: Readonly<Record<string, unknown>>;
}

/** The HTTP connections of one client, kept open between deliveries. Follows no redirect and never retries. */
export class WnsConnections {
  private readonly agent: Agent;

  constructor(
    caFile: string | undefined,
    private readonly timeoutMs: number,
  ) {
    // Made once: to read all these certificates for each connection would take 50 ms of it.
    const trust = caFile && { secureContext: createSecureContext({ ca: [...rootCertificates, caFile] }) };
    this.agent = new Agent({
      connections: connectionsPerHost,
      connect: { timeout: connectTimeoutMs, ...trust },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
  }

  /** Resolves once the answer's headers are there. Rejects with a `WnsConnectionError` or the reason of an aborted `signal`. */
  async push(channel: URL, { headers, body }: WnsPush, accessToken: string, signal: AbortSignal): Promise<WnsAnswer> {
    const authorized = { ...headers, Authorization: `Bearer ${accessToken}` };
    const answer = await this.post('WNS', channel, authorized, body, signal);
    // The verdict is known; reading on only decides whether the connection can be used again.
    await answer.body.dump({ limit: maxAnswerBytes }).catch(() => undefined);
    return answerOf(answer);
  }

  /** Rejects with a `WnsConnectionError`. */
  async requestToken({ url, body }: TokenRequest): Promise<TokenAnswer> {
    const who = "Microsoft's token endpoint";
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const answer = await this.post(who, url, headers, body);
    try {
      let text = '';
      for await (const chunk of answer.body) {
        text += String(chunk);
        if (text.length > maxAnswerBytes) break;
      }
      return { ...answerOf(answer), json: jsonObject(text) };
    } catch (error) {
      throw new WnsConnectionError(who, error, this.timeoutMs);
    }
  }

  /** Lets what is on its way finish and closes the connections. */
  close(): Promise<void> {
    return this.agent.close();
  }

  private async post(
    who: string,
    { origin, pathname, search }: URL,
    headers: Record<string, string>,
    body: string,
    signal?: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    try {
      const request = { origin, path: pathname + search, method: 'POST', headers, body } as const;
      return await this.agent.request(signal === undefined ? request : { ...request, signal });
    } catch (error) {
      signal?.throwIfAborted();
      // The request could not even be written: a bug of ours, which no later attempt will mend.
      if (error instanceof TypeError || error instanceof errors.InvalidArgumentError) throw error;
      throw new WnsConnectionError(who, error, this.timeoutMs);
    }
  }
}

function answerOf({ statusCode, statusText, headers }: Dispatcher.ResponseData): WnsAnswer {
  const single = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]);
  return { status: statusCode, statusText, headers: Object.fromEntries(single) as WnsAnswer['headers'] };
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The error's code and never its message, which would tell addresses and names. */
function codeOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name);
}
