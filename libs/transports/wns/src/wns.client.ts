import { TokenCache } from '@pns/http-client';
import { accessToken } from './wns.access-token';
import { WnsConnections } from './wns.connections';
import type { WnsOptions } from './wns.options';
import type { WnsAnswer } from './wns.outcome';
import type { WnsPush } from './wns.payload';

/** The connections and the access token of one client. */
export class WnsClient {
  private readonly connections: WnsConnections;
  private readonly tokens: TokenCache;

  constructor(options: WnsOptions, timeoutMs: number, now: () => number) {
    this.connections = new WnsConnections(options.caFile, timeoutMs);
    this.tokens = new TokenCache(() => accessToken(options, this.connections, now), now);
  }

  /**
   * Sends a push, and sends it again with a new access token if WNS refused the old one. Rejects with a `NoAnswerError`, or the
   * reason of an aborted `signal`.
   */
  send(channel: URL, push: WnsPush, signal: AbortSignal): Promise<WnsAnswer> {
    // Microsoft asks senders to repeat a push only once after a refused token.
    return this.tokens.send(
      (token) => this.connections.push(channel, push, token, signal),
      ({ status }) => status === 401,
      signal,
    );
  }

  /** Closes the connections when the pushes in progress have ended. */
  close(): Promise<void> {
    return this.connections.close();
  }
}
