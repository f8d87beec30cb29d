import type { ContentRefusal, PushContent } from '@pns/payloads';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { CredentialsRefusedError, TokenUnavailableError } from './fcm.access-token';
import { FcmClient } from './fcm.client';
import { FcmConnectionError, FcmTimeoutError } from './fcm.connections';
import type { EnabledFcmOptions, FcmOptions } from './fcm.options';
import { fcmOutcome } from './fcm.outcome';
import { fcmMessage } from './fcm.payload';

export interface FcmTransportParts {
  /** The current options of a client, the same object until something changes; asked at each delivery. */
  readonly options: (client: string) => FcmOptions | undefined;
  /** What a push shows and tells the app, or why there can be none. */
  readonly content: (delivery: Delivery) => PushContent | ContentRefusal;
  /** How long FCM may take for an answer; ten seconds unless given, the least that Google asks senders to wait. */
  readonly timeoutMs?: number;
  /** Ms since the epoch; the system's clock unless given. */
  readonly now?: () => number;
}

interface Sender {
  readonly options: EnabledFcmOptions;
  readonly client: FcmClient;
  /** Google has accepted something with these credentials. */
  isProven: boolean;
}

/** Four connections of a hundred streams. */
const usualCapacity = 400;

/** Sends deliveries with Firebase Cloud Messaging, each client with its own connections and service account. */
export class FcmTransport implements Transport {
  readonly name = 'fcm';
  readonly options: FcmTransportParts['options'];
  private readonly senders = new Map<string, Sender>();
  private readonly retired = new Set<Promise<void>>();
  private readonly now: () => number;

  constructor(private readonly parts: FcmTransportParts) {
    this.options = parts.options;
    this.now = parts.now ?? Date.now;
  }

  /** Sends once. Rejects only when `signal` is aborted, or for a bug of ours. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const options = this.options(delivery.client);
    if (options?.enabled !== true) {
      this.retire(delivery.client);
      return { kind: 'misconfigured', reason: missing(delivery.client, options) };
    }
    const content = this.parts.content(delivery);
    if ('kind' in content) return content;
    const message = fcmMessage(delivery, content, options.notification, this.now());
    if ('kind' in message) return message;
    const sender = this.sender(delivery.client, options);
    try {
      const outcome = fcmOutcome(await sender.client.send(message, signal), sender.isProven, this.now());
      if (outcome.kind === 'delivered') sender.isProven = true;
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      return failedAttempt(error);
    }
  }

  /** What the client's connections carry at once; what is usual at Google before it has any. */
  readonly capacity = (client: string): number => this.senders.get(client)?.client.capacity ?? usualCapacity;

  /** Lets what is on its way finish and closes all connections; nothing can be delivered afterwards. */
  async close(): Promise<void> {
    for (const client of this.senders.keys()) this.retire(client);
    await Promise.all(this.retired);
  }

  /** The sender with these options; a new one where what its connections and token were made for has changed. */
  private sender(name: string, options: EnabledFcmOptions): Sender {
    const known = this.senders.get(name);
    if (known?.options === options) return known;
    const isKept = known !== undefined && madeFor(known.options) === madeFor(options);
    if (!isKept) this.retire(name);
    const sender: Sender = isKept
      ? { ...known, options }
      : { options, client: new FcmClient(options, this.parts.timeoutMs ?? 10_000, this.now), isProven: false };
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

function madeFor({ serviceAccount, endpoint, tokenEndpoint, caFile }: EnabledFcmOptions): string {
  return JSON.stringify([serviceAccount, endpoint, tokenEndpoint, caFile]);
}

function missing(client: string, options: FcmOptions | undefined): string {
  return options === undefined
    ? `There is no FCM client ${client} in the configuration.`
    : `The FCM client ${client} is switched off in the configuration (enabled: false).`;
}

function failedAttempt(error: unknown): Outcome {
  if (error instanceof CredentialsRefusedError) return { kind: 'misconfigured', reason: error.message };
  if (error instanceof TokenUnavailableError) {
    const { message: reason, afterMs } = error;
    return { kind: 'retry', reason, ...(afterMs !== undefined && { afterMs }) };
  }
  if (error instanceof FcmTimeoutError || error instanceof FcmConnectionError) {
    return { kind: 'retry', reason: error.message };
  }
  throw error;
}
