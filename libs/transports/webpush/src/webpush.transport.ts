import {
  type AttemptVerdict,
  type ClientSender,
  codeOf,
  Endpoints,
  failedAttempt,
  GuardedClient,
  type GuardedTarget,
  type LookUp,
  Names,
  nameServerLookUp,
  PerClient,
} from '@pns/http-client';
import type { ContentRefusal, PushContent } from '@pns/payloads';
import type { PushKeys } from '@pns/subscriptions';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { encrypted } from './webpush.encryption';
import type { VapidKeys } from './webpush.keys';
import { defaultWebpushOptions, type WebpushOptions } from './webpush.options';
import { webpushVerdict } from './webpush.outcome';
import { type WebpushMessage, webpushMessage } from './webpush.payload';
import { vapidKeysFor } from './webpush.server-keys';
import { pushTarget } from './webpush.target';
import { VapidTokens } from './webpush.vapid';

interface WebpushTransportParts {
  /** The current options of a client; called for each delivery. A client without options uses the defaults. */
  readonly options: (client: string) => WebpushOptions | undefined;
  /** The texts and fields of a push, or the reason why it cannot have any. */
  readonly content: (delivery: Delivery) => PushContent | ContentRefusal;
  /**
   * Returns a function that decrypts a subscription's keys; undefined if the subscription was deleted. Rejects while the
   * subscription cannot be read.
   */
  readonly keysOf: (subscriptionId: string) => Promise<(() => PushKeys | undefined) | undefined>;
  /** The pair of keys of the server. Rejects while the pair cannot be read. */
  readonly serverKeys: () => Promise<VapidKeys>;
  /** The URI where push services reach the operator, for clients without a subject. */
  readonly subject: () => string | undefined;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
  /** Finds the addresses of a host name. The default uses the hosts file and the name servers of the system. */
  readonly lookUp?: LookUp;
  /** The time from the start of a request to its answer, in ms. */
  readonly answerMs?: number;
}

const defaultAnswerMs = 10_000;

/** The most connections of a client to one push service; each carries one message at a time. */
const maxConnections = 100;

/** How long we keep idle connections. Push services keep them for a minute or longer. */
const idleMs = 30_000;

/** Codes of errors that last until the operator corrects PNS_ENCRYPTION_KEY. */
const sealCodes: ReadonlySet<string> = new Set(['ENCRYPTION_KEY_MISSING', 'SECRET_UNREADABLE']);

/** The keys for one message: the keys of the browser and our VAPID keys. */
interface MessageKeys {
  readonly browser: PushKeys;
  readonly server: VapidKeys;
}

/** Sends deliveries to push services of browsers. Each push service has its own connections, slots and circuit. */
export class WebpushTransport implements Transport {
  readonly name = 'webpush';
  readonly options: WebpushTransportParts['options'];
  private readonly connections: PerClient<WebpushOptions, GuardedClient>;
  private readonly endpoints = new Endpoints();
  private readonly tokens: VapidTokens;
  private readonly now: () => number;
  private readonly names: Names;
  private serverKeys: Promise<VapidKeys> | undefined;

  constructor(private readonly parts: WebpushTransportParts) {
    const { options, now = Date.now, lookUp = nameServerLookUp(), answerMs = defaultAnswerMs } = parts;
    this.options = options;
    this.now = now;
    this.tokens = new VapidTokens(now);
    this.names = new Names(lookUp);
    const addressesOf = (name: string) => this.names.addresses(name);
    this.connections = new PerClient(
      ({ allowedNetworks, caFile }) =>
        new GuardedClient({ allowedNetworks, caFile, maxConnections, timeoutMillis: answerMs, idleMs }, addressesOf),
      ({ allowedNetworks, caFile }) => JSON.stringify([allowedNetworks, caFile]),
    );
  }

  /** Sends once. Rejects only if `signal` is aborted, or for a bug in PNS. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    // The keys are read before the options, because the options may change during the read.
    const stored = await this.storedKeys(delivery);
    signal.throwIfAborted();
    if ('kind' in stored) return stored;
    const own = this.options(delivery.client);
    const options = own ?? defaultWebpushOptions;
    if (!options.enabled) {
      this.connections.retire(delivery.client);
      return { kind: 'misconfigured', reason: `The client ${delivery.client} is switched off (enabled: false).` };
    }
    const server = vapidKeysFor(stored.browser.applicationServerKey, options, stored.server);
    if (server === undefined) return { kind: 'misconfigured', reason: keyIsMissing, isTargetOnly: true };
    const target = pushTarget(delivery.token, options);
    if ('kind' in target) return target;
    const content = this.parts.content(delivery);
    if ('kind' in content) return content;
    const message = webpushMessage(delivery, content, options, this.now());
    if ('kind' in message) return message;
    // Clients without options share connections and circuits, because there may be any number of such clients.
    const sharer = own === undefined ? '' : delivery.client;
    const connections = this.connections.of(sharer, options);
    return this.endpoints.run(
      `${sharer} ${target.origin}`,
      maxConnections,
      () => {
        signal.throwIfAborted();
        return this.attempt({ target, message, connections, keys: { browser: stored.browser, server }, signal });
      },
      () => this.names.prepared(target.name, delivery),
    );
  }

  /** The most requests to a push service at once: one on each connection. */
  readonly capacity = (): number => maxConnections;

  /** How many push services have an open circuit because they failed repeatedly. */
  get openCircuits(): number {
    return this.endpoints.open;
  }

  /** Resolves when deliveries in progress have ended and all connections are closed. Nothing can be delivered afterwards. */
  close(): Promise<void> {
    return this.connections.close();
  }

  /** The keys of the subscription and of the server; an outcome if they cannot be read. */
  private async storedKeys({ subscriptionId }: Delivery): Promise<MessageKeys | Outcome> {
    let open;
    let server;
    try {
      this.serverKeys ??= this.parts.serverKeys();
      [open, server] = await Promise.all([
        subscriptionId === undefined ? undefined : this.parts.keysOf(subscriptionId),
        this.serverKeys,
      ]);
    } catch (error) {
      this.serverKeys = undefined;
      const code = codeOf(error);
      if (sealCodes.has(code)) {
        return { kind: 'misconfigured', reason: `The VAPID keys of the server cannot be decrypted (${code}).` };
      }
      return { kind: 'retry', reason: `The keys cannot be read now (${code}).`, isWaiting: true };
    }
    if (open === undefined) return { kind: 'suppressed', reason: 'the subscription was deleted' };
    try {
      const browser = open();
      return browser === undefined ? unusable('MISSING') : { browser, server };
    } catch (error) {
      return unusable(codeOf(error));
    }
  }

  private async attempt({ target, message, connections, keys, signal }: Attempt): Promise<AttemptVerdict> {
    const subject = connections.options.subject ?? this.parts.subject();
    const authorization = await this.tokens.header(keys.server, target.origin, subject);
    const receiver = { p256dh: bytes(keys.browser.p256dh), auth: bytes(keys.browser.auth) };
    const body = encrypted(message.content, receiver);
    const headers = { ...message.headers, ...bodyHeaders, authorization };
    try {
      const answer = await connections.use((client) => client.post(target, headers, body, signal));
      return webpushVerdict(answer, this.now());
    } catch (error) {
      signal.throwIfAborted();
      return failedAttempt(error, 'push service');
    }
  }
}

interface Attempt {
  readonly target: GuardedTarget;
  readonly message: WebpushMessage;
  readonly connections: ClientSender<WebpushOptions, GuardedClient>;
  readonly keys: MessageKeys;
  readonly signal: AbortSignal;
}

/** Source: RFC 8291, 4. */
const bodyHeaders = { 'content-encoding': 'aes128gcm', 'content-type': 'application/octet-stream' } as const;

const keyIsMissing =
  'The subscription was made with a VAPID key that is not in the configuration; add it to previousKeys of this client.';

function unusable(code: string): Outcome {
  return {
    kind: 'misconfigured',
    reason: `The keys of the subscription cannot be used (${code}).`,
    isTargetOnly: true,
  };
}

function bytes(key: string): Buffer {
  return Buffer.from(key, 'base64url');
}
