import type { ContentRefusal, PushContent } from '@pns/payloads';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { ApnsClient, ApnsSparedError, ApnsTimeoutError } from './apns.client';
import { ApnsConnectionError, type ApnsEndpoint, type ApnsTimes, defaultTimes } from './apns.connection';
import { signingKey } from './apns.credentials';
import { type ApnsOptions, certificateOf } from './apns.options';
import { apnsOutcome } from './apns.outcome';
import { apnsPush } from './apns.payload';
import { providerToken } from './apns.provider-token';
import { isDeviceToken } from './apns.token';

export interface ApnsTransportParts {
  /** The current options of a client; asked at each delivery, and the same object until something changed. */
  readonly options: (client: string) => ApnsOptions | undefined;
  /** What a push shows and tells the app, or why there can be none. */
  readonly content: (delivery: Delivery) => PushContent | ContentRefusal;
  /** Ms since the epoch; the system's clock unless given. */
  readonly now?: () => number;
  /** How long what may take, where that is not to be as usual. */
  readonly times?: Partial<ApnsTimes>;
}

/** A client as it is configured now. */
interface App {
  readonly options: ApnsOptions;
  readonly client: ApnsClient;
  readonly topic: string | undefined;
  /** The provider token by the time; absent where the connection itself says who we are. */
  readonly token?: (now: number) => string;
  /** When its certificate expires, in ms since the epoch. */
  readonly notAfter: number;
  /** Apple has accepted something with these options. */
  isProven: boolean;
}

/** Two connections, each with half of the streams that Apple allows. */
const usualCapacity = 1000;

/** Sends deliveries to Apple, each client over connections and with credentials of its own. */
export class ApnsTransport implements Transport {
  readonly name = 'apns';
  private readonly apps = new Map<string, App>();
  private readonly retired = new Set<Promise<void>>();
  readonly options: ApnsTransportParts['options'];
  private readonly content: ApnsTransportParts['content'];
  private readonly now: () => number;
  private readonly times: ApnsTimes;

  constructor({ options, content, now = Date.now, times }: ApnsTransportParts) {
    this.options = options;
    this.content = content;
    this.now = now;
    this.times = { ...defaultTimes, ...times };
  }

  /** Sends once. Rejects only when `signal` is aborted, or for a bug of ours. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const options = this.options(delivery.client);
    if (!options?.enabled) {
      this.forget(delivery.client);
      return notConfigured(delivery.client, options);
    }
    if (!isDeviceToken(delivery.token)) {
      return { kind: 'gone', reason: 'This is no device token of Apple, which would be hexadecimal.' };
    }
    const app = this.app(delivery.client, options);
    const now = this.now();
    if (app.notAfter <= now) return { kind: 'misconfigured', reason: expired(app.notAfter) };
    const content = this.content(delivery);
    if ('kind' in content) return content;
    const { headers, body } = apnsPush(delivery, content, app.topic, now);
    headers[':method'] = 'POST';
    headers[':path'] = `/3/device/${delivery.token}`;
    if (app.token !== undefined) headers['authorization'] = `bearer ${app.token(now)}`;
    try {
      const answer = await app.client.send({ headers, body }, signal);
      const outcome = apnsOutcome(answer, app.isProven, this.now());
      if (outcome.kind === 'delivered') app.isProven = true;
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      return failedAttempt(error);
    }
  }

  /** Of the client's push certificate; a signing key has no end. */
  credentialsExpireAt(client: string): number | undefined {
    const options = this.options(client);
    return options?.enabled === true && options.authtype === 'certificate'
      ? certificateOf(options).notAfter
      : undefined;
  }

  /** What the client's connections carry at once; what is usual at Apple before it has any. */
  readonly capacity = (client: string): number => this.apps.get(client)?.client.capacity ?? usualCapacity;

  /** Lets what is on its way finish and closes all connections; nothing can be delivered afterwards. */
  async close(): Promise<void> {
    await Promise.all([...this.retired, ...[...this.apps.values()].map(({ client }) => client.close())]);
  }

  /** The client with these options; with new connections once they have changed. */
  private app(name: string, options: ApnsOptions): App {
    const known = this.apps.get(name);
    if (known?.options === options) return known;
    const app = appOf(options, this.times);
    this.forget(name);
    this.apps.set(name, app);
    return app;
  }

  private forget(name: string): void {
    const known = this.apps.get(name);
    if (known === undefined) return;
    this.apps.delete(name);
    const closed: Promise<void> = known.client.close().finally(() => this.retired.delete(closed));
    this.retired.add(closed);
  }
}

function appOf(options: ApnsOptions, times: ApnsTimes): App {
  const { production, endpoint, caFile, topic, keyid = '', teamid = '', privatekey = '' } = options;
  const base: ApnsEndpoint = {
    origin: endpoint ?? `https://api.${production ? '' : 'sandbox.'}push.apple.com`,
    ...(caFile === undefined ? {} : { ca: caFile }),
  };
  if (options.authtype === 'jwt') {
    const token = providerToken({ keyid, teamid, key: signingKey(privatekey) });
    return { options, client: new ApnsClient(base, times), topic, token, notAfter: Infinity, isProven: false };
  }
  const { identity, topics, notAfter } = certificateOf(options);
  const client = new ApnsClient({ ...base, identity }, times);
  return { options, client, topic: topic ?? topics[0], notAfter, isProven: false };
}

function notConfigured(client: string, options: ApnsOptions | undefined): Outcome {
  const reason =
    options === undefined
      ? `There is no APNs client ${client} in the configuration.`
      : `The APNs client ${client} is switched off (enabled: false).`;
  return { kind: 'misconfigured', reason };
}

function expired(notAfter: number): string {
  return `The push certificate expired on ${new Date(notAfter).toISOString().slice(0, 10)}; put a new one in its place.`;
}

function failedAttempt(error: unknown): Outcome {
  if (error instanceof ApnsSparedError) {
    return { kind: 'retry', reason: error.message, afterMs: error.afterMs, isSpared: true };
  }
  if (error instanceof ApnsTimeoutError) return { kind: 'retry', reason: error.message };
  if (!(error instanceof ApnsConnectionError)) throw error;
  return { kind: error.isAboutCredentials ? 'misconfigured' : 'retry', reason: error.message };
}
