import {
  type Http2Answer,
  type Http2Peer,
  Http2Pool,
  type Http2Times,
  TokenCache,
  trustBeside,
} from '@pns/http-client';
import { AccessTokens } from './fcm.access-token';
import type { EnabledFcmOptions } from './fcm.options';
import { type FcmAnswer, isStaleAccessToken } from './fcm.outcome';
import type { FcmMessage } from './fcm.payload';

/** Google asks senders to wait at least ten seconds for an answer, so `silentMs` and `pongMs` together must not be less. */
export const defaultTimes: Http2Times = {
  answerMs: 10_000,
  connectMs: 10_000,
  silentMs: 5000,
  idleMs: 60_000,
  pongMs: 5000,
};

/**
 * The most connections of a client. A connection carries a hundred messages at once: 10,000 a second if a message takes 10 ms.
 */
const maxConnections = 4;

const google: Omit<Http2Peer, 'origin'> = {
  name: 'FCM',
  maxConnections,
  usualStreams: 100,
  // An idle connection is closed, because routers drop it without notice, and Google closes it after some minutes.
  whenIdle: 'close',
  readsBody: () => true,
};

/** The connections and the access token of one client. */
export class FcmClient {
  private readonly pool: Http2Pool;
  private readonly accessTokens: AccessTokens;
  private readonly tokens: TokenCache;
  private readonly path: string;

  constructor(options: EnabledFcmOptions, times: Http2Times, now: () => number) {
    const { origin, pathname } = new URL(options.endpoint);
    this.pool = new Http2Pool({ ...google, ...trustBeside(options.caFile), origin }, times);
    this.accessTokens = new AccessTokens(options, now);
    this.tokens = new TokenCache(() => this.accessTokens.grant(), now);
    const project = options.serviceAccount.project_id;
    this.path = `${pathname.replace(/\/$/, '')}/v1/projects/${project}/messages:send`;
  }

  /** The number of messages that the connections can carry at once. */
  get capacity(): number {
    return this.pool.capacity;
  }

  /**
   * Sends a message, and sends it again with a new access token if Google did not accept the old one. Rejects with a `NoAnswerError`,
   * or the reason of an aborted `signal`.
   */
  send(message: FcmMessage, signal: AbortSignal): Promise<FcmAnswer> {
    const body = JSON.stringify({ message });
    return this.tokens.send((token) => this.post(token, body, signal), isStaleAccessToken, signal);
  }

  /** Closes the connections when the messages in progress have ended. */
  async close(): Promise<void> {
    this.pool.close();
    await this.accessTokens.close();
  }

  private async post(token: string, body: string, signal: AbortSignal): Promise<Http2Answer> {
    const headers = {
      ':method': 'POST',
      ':path': this.path,
      authorization: `Bearer ${token}`,
      'content-type': 'application/json; charset=UTF-8',
    };
    const answer = await this.pool.send({ headers, body }, signal);
    // Only a refusal needs its whole body, because the body decides the outcome.
    if (answer.brokenBy !== undefined && answer.status !== 200) throw answer.brokenBy;
    return answer;
  }
}
