import type { ContentRefusal, PushContent } from '@pns/payloads';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { NoAccessTokenError } from './wns.access-token';
import { isChannelUri } from './wns.channel';
import { WnsClient } from './wns.client';
import { connectionsPerHost, WnsConnectionError } from './wns.connections';
import type { WnsOptions } from './wns.options';
import { wnsOutcome } from './wns.outcome';
import { wnsPush } from './wns.payload';

export interface WnsTransportParts {
  /** The current options of a client, the same object until something about them changes; asked at each delivery. */
  readonly options: (client: string) => WnsOptions | undefined;
  /** What a push shows and tells the app, or why there can be none. */
  readonly content: (delivery: Delivery) => PushContent | ContentRefusal;
  /** How long Microsoft may take to answer a request, once it was sent, in ms; ten seconds unless given. */
  readonly timeoutMs?: number;
  /** Ms since the epoch; the system's clock unless given. */
  readonly now?: () => number;
}

interface Sender {
  readonly options: WnsOptions;
  readonly client: WnsClient;
  /** WNS has accepted something with these options. */
  isProven: boolean;
}

/** Sends deliveries to the channels of Windows devices, each client with its own connections and credentials. */
export class WnsTransport implements Transport {
  readonly name = 'wns';
  readonly options: WnsTransportParts['options'];
  private readonly senders = new Map<string, Sender>();
  private readonly retired = new Set<Promise<void>>();
  private readonly now: () => number;

  constructor(private readonly parts: WnsTransportParts) {
    this.options = parts.options;
    this.now = parts.now ?? Date.now;
  }

  /** Sends once. Rejects only when `signal` is aborted, or for a bug of ours. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const options = this.options(delivery.client);
    if (options?.enabled !== true) {
      this.retire(delivery.client);
      return notConfigured(delivery.client, options);
    }
    // Before anything is sent: whoever answers at another host would learn the access token.
    if (!isChannelUri(delivery.token, options.allowedHosts)) return notAChannel;
    const content = this.parts.content(delivery);
    if ('kind' in content) return content;
    const push = wnsPush(delivery, content, options, this.now());
    const sender = this.sender(delivery.client, options);
    try {
      const answer = await sender.client.send(new URL(delivery.token), push, signal);
      const outcome = wnsOutcome(answer, sender.isProven, this.now());
      if (outcome.kind === 'delivered') sender.isProven = true;
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NoAccessTokenError) return error.outcome;
      if (error instanceof WnsConnectionError) return { kind: 'retry', reason: error.message };
      throw error;
    }
  }

  /** One push on each connection; channels of other hosts have connections of their own, which is no more than a client needs. */
  readonly capacity = (): number => connectionsPerHost;

  /** Lets what is on its way finish and closes all connections; nothing can be delivered afterwards. */
  async close(): Promise<void> {
    for (const name of this.senders.keys()) this.retire(name);
    await Promise.all(this.retired);
  }

  /** The sender with these options; with new connections and a new access token once they have changed. */
  private sender(name: string, options: WnsOptions): Sender {
    const known = this.senders.get(name);
    if (known?.options === options) return known;
    this.retire(name);
    const client = new WnsClient(options, this.parts.timeoutMs ?? 10_000, this.now);
    const sender = { options, client, isProven: false };
    this.senders.set(name, sender);
    return sender;
  }

  private retire(name: string): void {
    const sender = this.senders.get(name);
    if (sender === undefined) return;
    this.senders.delete(name);
    const closed: Promise<void> = sender.client.close().finally(() => this.retired.delete(closed));
    this.retired.add(closed);
  }
}

/** Neither `gone`, as an operator may yet allow the host, nor `misconfigured`, as a stranger could then hold up everybody's pushes. */
const notAChannel: Outcome = {
  kind: 'rejected',
  reason:
    "The token is no https URI on Microsoft's push hosts (*.notify.windows.com) or on one of allowedHosts, and nothing was sent to it.",
};

function notConfigured(client: string, options: WnsOptions | undefined): Outcome {
  const reason =
    options === undefined
      ? `There is no WNS client ${client} in the configuration.`
      : `The WNS client ${client} is switched off in the configuration (enabled: false).`;
  return { kind: 'misconfigured', reason };
}
