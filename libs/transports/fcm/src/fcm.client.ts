import { AbortListeners } from '@pns/cancellation';
import { AccessTokens } from './fcm.access-token';
import { FcmConnections } from './fcm.connections';
import type { EnabledFcmOptions } from './fcm.options';
import { type FcmAnswer, isStaleAccessToken } from './fcm.outcome';
import type { FcmMessage } from './fcm.payload';

/** What one client needs to send: its connections and its access token. */
export class FcmClient {
  private readonly connections: FcmConnections;
  private readonly tokens: AccessTokens;
  private readonly path: string;
  private readonly sending = new Set<Promise<FcmAnswer>>();
  private readonly aborts = new AbortListeners();

  constructor(options: EnabledFcmOptions, timeoutMs: number, now: () => number) {
    const { origin, pathname } = new URL(options.endpoint);
    this.connections = new FcmConnections(origin, options.caFile, timeoutMs);
    this.tokens = new AccessTokens(options, now);
    const project = options.serviceAccount.project_id;
    this.path = `${pathname.replace(/\/$/, '')}/v1/projects/${project}/messages:send`;
  }

  /** How many messages are under way at once at most. */
  get capacity(): number {
    return this.connections.capacity;
  }

  /**
   * Sends a message; with a new access token once more where Google did not know the old one. Rejects with an
   * `FcmTimeoutError`, an `FcmConnectionError`, a `CredentialsRefusedError`, a `TokenUnavailableError`, or the reason of
   * an aborted `signal`.
   */
  async send(message: FcmMessage, signal: AbortSignal): Promise<FcmAnswer> {
    const sent = this.attempt(JSON.stringify({ message }), signal);
    this.sending.add(sent);
    return sent.finally(() => this.sending.delete(sent));
  }

  /** Lets what is on its way finish and closes the connections. */
  async close(): Promise<void> {
    await Promise.allSettled(this.sending);
    this.connections.destroy();
    await this.tokens.close();
  }

  private async attempt(body: string, signal: AbortSignal): Promise<FcmAnswer> {
    const token = await this.aborts.race(this.tokens.current(), signal);
    const answer = await this.post(token, body, signal);
    if (!isStaleAccessToken(answer)) return answer;
    return this.post(await this.aborts.race(this.tokens.insteadOf(token), signal), body, signal);
  }

  private post(token: string, body: string, signal: AbortSignal): Promise<FcmAnswer> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=UTF-8' };
    return this.connections.post(this.path, headers, body, signal);
  }
}
