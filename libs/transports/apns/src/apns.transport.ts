import { createSecureContext } from 'node:tls';
import { Http2Pool, type Http2Times, NoAnswerError, PerClient } from '@pns/http-client';
import type { ContentRefusal, PushContent } from '@pns/payloads';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { signingKey } from './apns.credentials';
import { type ApnsOptions, certificateOf } from './apns.options';
import { apnsOutcome } from './apns.outcome';
import { apnsPush } from './apns.payload';
import { apple, apnsAnswer, defaultTimes } from './apns.peer';
import { providerToken } from './apns.provider-token';
import { isDeviceToken } from './apns.token';

/** The functions and values that the transport needs. */
export interface ApnsTransportParts {
  /** The current options of a client; read for each delivery. They are the same object until they change. */
  readonly options: (client: string) => ApnsOptions | undefined;
  /** The texts and fields of a push, or the reason why it cannot have any. */
  readonly content: (delivery: Delivery) => PushContent | ContentRefusal;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
  /** Time limits that differ from the defaults. */
  readonly times?: Partial<Http2Times>;
}

/** The sender of one client's pushes. */
interface App {
  readonly pool: Http2Pool;
  readonly topic: string | undefined;
  /** The provider token at a time in ms since the epoch; absent if the connection uses a certificate. */
  readonly token?: (now: number) => string;
  /** When the certificate expires, in ms since the epoch; `Infinity` without one. */
  readonly notAfter: number;
  close(): void;
}

/** The capacity before the first connection: two connections, each with half of the streams that Apple allows. */
const usualCapacity = 1000;

/** Sends deliveries to Apple. Each client has its own connections and credentials. */
export class ApnsTransport implements Transport {
  readonly name = 'apns';
  private readonly apps: PerClient<ApnsOptions, App>;
  readonly options: ApnsTransportParts['options'];
  private readonly content: ApnsTransportParts['content'];
  private readonly now: () => number;

  constructor({ options, content, now = Date.now, times }: ApnsTransportParts) {
    this.options = options;
    this.content = content;
    this.now = now;
    this.apps = new PerClient((each) => appOf(each, { ...defaultTimes, ...times }));
  }

  /** Sends once. Rejects only if `signal` is aborted, or for a bug in PNS. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const options = this.options(delivery.client);
    if (!options?.enabled) {
      this.apps.retire(delivery.client);
      return notConfigured(delivery.client, options);
    }
    if (!isDeviceToken(delivery.token)) {
      return { kind: 'gone', reason: 'This is not a device token of Apple, which is hexadecimal.' };
    }
    const app = this.apps.of(delivery.client, options);
    const { topic, token, notAfter } = app.sender;
    const now = this.now();
    if (notAfter <= now) return { kind: 'misconfigured', reason: expired(notAfter) };
    const content = this.content(delivery);
    if ('kind' in content) return content;
    const { headers, body } = apnsPush(delivery, content, topic, now);
    headers[':method'] = 'POST';
    headers[':path'] = `/3/device/${delivery.token}`;
    if (token !== undefined) headers['authorization'] = `bearer ${token(now)}`;
    try {
      const answer = await app.use(({ pool }) => pool.send({ headers, body }, signal));
      const outcome = apnsOutcome(apnsAnswer(answer), app.isProven, this.now());
      if (outcome.kind === 'delivered') app.isProven = true;
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NoAnswerError) return error.outcome;
      throw error;
    }
  }

  /** When the client's push certificate expires, in ms since the epoch. A signing key does not expire. */
  credentialsExpireAt(client: string): number | undefined {
    const options = this.options(client);
    return options?.enabled === true && options.authtype === 'certificate'
      ? certificateOf(options).notAfter
      : undefined;
  }

  /** The number of pushes that the client's connections can carry at once; the usual number before the first connection. */
  readonly capacity = (client: string): number => this.apps.peek(client)?.pool.capacity ?? usualCapacity;

  /** Resolves when deliveries in progress have ended and all connections are closed. Nothing can be delivered afterwards. */
  close(): Promise<void> {
    return this.apps.close();
  }
}

function appOf(options: ApnsOptions, times: Http2Times): App {
  const { production, endpoint, caFile, topic, keyid = '', teamid = '', privatekey = '' } = options;
  const origin = endpoint ?? `https://api.${production ? '' : 'sandbox.'}push.apple.com`;
  const trust = caFile === undefined ? {} : { ca: caFile };
  if (options.authtype === 'jwt') {
    const secure = caFile === undefined ? {} : { secureContext: createSecureContext(trust) };
    const pool = new Http2Pool({ ...apple, ...secure, origin }, times);
    const token = providerToken({ keyid, teamid, key: signingKey(privatekey) });
    return { pool, topic, token, notAfter: Infinity, close: () => pool.close() };
  }
  const { identity, topics, notAfter } = certificateOf(options);
  const pool = new Http2Pool(
    { ...apple, secureContext: createSecureContext({ ...identity, ...trust }), origin },
    times,
  );
  return { pool, topic: topic ?? topics[0], notAfter, close: () => pool.close() };
}

function notConfigured(client: string, options: ApnsOptions | undefined): Outcome {
  const reason =
    options === undefined
      ? `There is no APNs client ${client} in the configuration.`
      : `The APNs client ${client} is switched off (enabled: false).`;
  return { kind: 'misconfigured', reason };
}

function expired(notAfter: number): string {
  return `The push certificate expired on ${new Date(notAfter).toISOString().slice(0, 10)}; replace it.`;
}
