import { AbortListeners } from '@pns/cancellation';
import { AccessTokens } from './wns.access-token';
import { WnsConnections } from './wns.connections';
import type { WnsOptions } from './wns.options';
import type { WnsAnswer } from './wns.outcome';
import type { WnsPush } from './wns.payload';

/** What one client needs to send: its connections and its access token. */
export class WnsClient {
  private readonly connections: WnsConnections;
  private readonly tokens: AccessTokens;
  private readonly sending = new Set<Promise<WnsAnswer>>();
  private readonly aborts = new AbortListeners();

  constructor(options: WnsOptions, timeoutMs: number, now: () => number) {
    this.connections = new WnsConnections(options.caFile, timeoutMs);
    this.tokens = new AccessTokens(options, this.connections, now);
  }

  /**
   * Sends a push; with a new access token once more where WNS refused the old one. Rejects with a `NoAccessTokenError`, a
   * `WnsConnectionError`, or the reason of an aborted `signal`.
   */
  async send(channel: URL, push: WnsPush, signal: AbortSignal): Promise<WnsAnswer> {
    const sent = this.attempt(channel, push, signal);
    this.sending.add(sent);
    return sent.finally(() => this.sending.delete(sent));
  }

  /** Lets what is on its way finish and closes the connections. */
  async close(): Promise<void> {
    await Promise.allSettled(this.sending);
    await this.connections.close();
  }

  private async attempt(channel: URL, push: WnsPush, signal: AbortSignal): Promise<WnsAnswer> {
    const token = await this.aborts.race(this.tokens.current(), signal);
    const answer = await this.connections.push(channel, push, token, signal);
    if (answer.status !== 401) return answer;
    // Microsoft asks not to send again more than once where a token is refused.
    const other = await this.aborts.race(this.tokens.insteadOf(token), signal);
    return other === undefined ? answer : this.connections.push(channel, push, other, signal);
  }
}
