import { NoAnswerError, PerClient } from '@pns/http-client';
import type { ContentRefusal, PushContent } from '@pns/payloads';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { isChannelUri } from './wns.channel';
import { WnsClient } from './wns.client';
import { connectionsPerHost } from './wns.connections';
import type { WnsOptions } from './wns.options';
import { wnsOutcome } from './wns.outcome';
import { wnsPush } from './wns.payload';

interface WnsTransportParts {
  /** The current options of a client; read for each delivery. They are the same object until they change. */
  readonly options: (client: string) => WnsOptions | undefined;
  /** The texts and fields of a push, or the reason why it cannot have any. */
  readonly content: (delivery: Delivery) => PushContent | ContentRefusal;
  /** The time limit for Microsoft's answer after a request was sent, in ms. Default: ten seconds. */
  readonly timeoutMs?: number;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
}

/** Sends deliveries to the channels of Windows devices, each client with its own connections and credentials. */
export class WnsTransport implements Transport {
  readonly name = 'wns';
  readonly options: WnsTransportParts['options'];
  private readonly senders: PerClient<WnsOptions, WnsClient>;
  private readonly now: () => number;

  constructor(private readonly parts: WnsTransportParts) {
    this.options = parts.options;
    this.now = parts.now ?? Date.now;
    this.senders = new PerClient((options) => new WnsClient(options, parts.timeoutMs ?? 10_000, this.now));
  }

  /** Sends once. Rejects only if `signal` is aborted, or for a bug in PNS. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const options = this.options(delivery.client);
    if (options?.enabled !== true) {
      this.senders.retire(delivery.client);
      return notConfigured(delivery.client, options);
    }
    // The check comes before the request, because another host would receive the access token.
    if (!isChannelUri(delivery.token, options.allowedHosts)) return notAChannel;
    const content = this.parts.content(delivery);
    if ('kind' in content) return content;
    const push = wnsPush(delivery, content, options, this.now());
    const sender = this.senders.of(delivery.client, options);
    try {
      const answer = await sender.use((client) => client.send(new URL(delivery.token), push, signal));
      const outcome = wnsOutcome(answer, sender.isProven, this.now());
      if (outcome.kind === 'delivered') sender.isProven = true;
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NoAnswerError) return error.outcome;
      throw error;
    }
  }

  /** The most pushes to one host at once: one on each connection. Each host has its own connections, so more may be possible. */
  readonly capacity = (): number => connectionsPerHost;

  /** Resolves when deliveries in progress have ended and all connections are closed. Nothing can be delivered afterwards. */
  close(): Promise<void> {
    return this.senders.close();
  }
}

/**
 * The outcome is not `gone`, because an operator may still allow the host. It is not `misconfigured`, because then one user with
 * such a token could hold the pushes of all users.
 */
const notAChannel: Outcome = {
  kind: 'rejected',
  reason:
    "The token is not an https URI on Microsoft's push hosts (*.notify.windows.com) or on one of allowedHosts, and nothing was sent to it.",
};

function notConfigured(client: string, options: WnsOptions | undefined): Outcome {
  const reason =
    options === undefined
      ? `There is no WNS client ${client} in the configuration.`
      : `The WNS client ${client} is switched off in the configuration (enabled: false).`;
  return { kind: 'misconfigured', reason };
}
