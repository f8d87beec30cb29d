import { type Http2Times, NoAnswerError, PerClient } from '@pns/http-client';
import type { ContentRefusal, PushContent } from '@pns/payloads';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { defaultTimes, FcmClient } from './fcm.client';
import type { EnabledFcmOptions, FcmOptions } from './fcm.options';
import { fcmOutcome } from './fcm.outcome';
import { fcmMessage } from './fcm.payload';

interface FcmTransportParts {
  /** The current options of a client; read for each delivery. They are the same object until they change. */
  readonly options: (client: string) => FcmOptions | undefined;
  /** The texts and fields of a push, or the reason why it cannot have any. */
  readonly content: (delivery: Delivery) => PushContent | ContentRefusal;
  /** Time limits that differ from the defaults. */
  readonly times?: Partial<Http2Times>;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
}

/** The capacity before the first connection: four connections of a hundred streams. */
const usualCapacity = 400;

/** Sends deliveries with Firebase Cloud Messaging, each client with its own connections and service account. */
export class FcmTransport implements Transport {
  readonly name = 'fcm';
  readonly options: FcmTransportParts['options'];
  private readonly senders: PerClient<EnabledFcmOptions, FcmClient>;
  private readonly now: () => number;

  constructor(private readonly parts: FcmTransportParts) {
    this.options = parts.options;
    this.now = parts.now ?? Date.now;
    const times = { ...defaultTimes, ...parts.times };
    this.senders = new PerClient((options) => new FcmClient(options, times, this.now), madeFor);
  }

  /** Sends once. Rejects only if `signal` is aborted, or for a bug in PNS. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const options = this.options(delivery.client);
    if (options?.enabled !== true) {
      this.senders.retire(delivery.client);
      return { kind: 'misconfigured', reason: missing(delivery.client, options) };
    }
    const content = this.parts.content(delivery);
    if ('kind' in content) return content;
    const message = fcmMessage(delivery, content, options.notification, this.now());
    if ('kind' in message) return message;
    const sender = this.senders.of(delivery.client, options);
    try {
      const answer = await sender.use((client) => client.send(message, signal));
      const outcome = fcmOutcome(answer, sender.isProven, this.now());
      if (outcome.kind === 'delivered') sender.isProven = true;
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NoAnswerError) return error.outcome;
      throw error;
    }
  }

  /** The number of messages that the client's connections can carry at once; the usual number before the first connection. */
  readonly capacity = (client: string): number => this.senders.peek(client)?.capacity ?? usualCapacity;

  /** Resolves when deliveries in progress have ended and all connections are closed. Nothing can be delivered afterwards. */
  close(): Promise<void> {
    return this.senders.close();
  }
}

/** A key made of the options on which the connections and the access token depend. */
function madeFor({ serviceAccount, endpoint, tokenEndpoint, caFile }: EnabledFcmOptions): string {
  return JSON.stringify([serviceAccount, endpoint, tokenEndpoint, caFile]);
}

function missing(client: string, options: FcmOptions | undefined): string {
  return options === undefined
    ? `There is no FCM client ${client} in the configuration.`
    : `The FCM client ${client} is switched off in the configuration (enabled: false).`;
}
