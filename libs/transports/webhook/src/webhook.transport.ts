import { hash } from 'node:crypto';
import {
  type AttemptVerdict,
  type ClientSender,
  codeOf,
  Endpoints,
  failedAttempt,
  GuardedClient,
  type LookUp,
  Names,
  nameServerLookUp,
  PerClient,
} from '@pns/http-client';
import { isForOperator, type Delivery, type Outcome, type Transport } from '@pns/transport-contract';
import { LRUCache } from 'lru-cache';
import { ownAuthorization } from './webhook.credentials';
import type { WebhookOptions } from './webhook.options';
import { isAboutCaller, isEndpointFailure, webhookOutcome } from './webhook.outcome';
import { webhookBody, webhookHeaders } from './webhook.payload';
import { type Target, webhookTarget } from './webhook.target';

/** The functions and values that the transport needs. */
export interface WebhookTransportParts {
  /** The current options of a webhook, by the subscription's client; called for each delivery. */
  readonly options: (client: string) => WebhookOptions | undefined;
  /**
   * Returns a function that decrypts a subscription's current `meta`; undefined if the subscription was deleted. Rejects while
   * the subscription cannot be read.
   */
  readonly metaOf: (subscriptionId: string) => Promise<(() => object | undefined) | undefined>;
  /** Ms since the epoch. Default: the system's clock. */
  readonly now?: () => number;
  /** Finds the addresses of a host name. The default uses the hosts file and the name servers of the system. */
  readonly lookUp?: LookUp;
}

const maxTargets = 10_000;

/** The most pauses that are kept in memory. */
const maxPauses = 10_000;

/** Longest pause, in ms. */
const maxPauseMs = 3_600_000;

/** With these statuses, `Retry-After` concerns the URI and the credentials of the request (RFC 6585, 4; RFC 9110, 10.2.3). */
const pausing: ReadonlySet<number> = new Set([429, 503]);

/**
 * Posts deliveries to webhooks. Each client has its own connections. Each endpoint has its own slots and circuit breaker.
 */
export class WebhookTransport implements Transport {
  readonly name = 'webhook';
  private readonly connections: PerClient<WebhookOptions, GuardedClient>;
  /**
   * Checked targets, by options. They are cached, because URIs recur often and checking a URI costs as much as signing a body.
   */
  private readonly targets = new WeakMap<WebhookOptions, Map<string, Target | Outcome>>();
  private readonly endpoints = new Endpoints();
  /**
   * When a pause ends, in ms since the epoch, by client, caller (see `callerOf`) and URI. Another URI of the origin, and another
   * caller at the same URI, may belong to another user, who must not be affected.
   */
  private readonly pauses = new LRUCache<string, number>({ max: maxPauses });
  readonly options: WebhookTransportParts['options'];
  private readonly metaOf: WebhookTransportParts['metaOf'];
  private readonly now: () => number;
  /** Shared by all webhooks, because their endpoints may have the same host name. */
  private readonly names: Names;

  constructor({ options, metaOf, now = Date.now, lookUp = nameServerLookUp() }: WebhookTransportParts) {
    this.options = options;
    this.metaOf = metaOf;
    this.now = now;
    this.names = new Names(lookUp);
    const addressesOf = (name: string) => this.names.addresses(name);
    this.connections = new PerClient((each) => new GuardedClient(each, addressesOf), madeFor);
  }

  /** Sends once. Rejects only if `signal` is aborted, or for a bug in PNS. */
  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    // `meta` is read before the options, because the options may change during the read.
    const own = delivery.hasMeta === true ? await this.ownAuthorization(delivery) : undefined;
    if (typeof own === 'object') return own;
    const options = this.options(delivery.client);
    if (options === undefined) {
      return { kind: 'misconfigured', reason: `There is no webhook ${delivery.client} in the configuration.` };
    }
    const connections = this.connections.of(delivery.client, options);
    const token = delivery.token === '' && isForOperator(delivery) ? options.uri : delivery.token;
    if (token === undefined) return withoutUri(delivery.client);
    const target = this.targetOf(token, options);
    if ('kind' in target) return target;
    const pauseKey = `${delivery.client} ${callerOf(own)} ${token}`;
    // Circuits are per client, because another client may use another path and a longer time-out.
    return this.endpoints.run(
      `${delivery.client} ${target.origin}`,
      options.maxConnections,
      () => {
        signal.throwIfAborted();
        return this.attempt(delivery, own, target, connections, signal, pauseKey);
      },
      // A test push ignores the pause, to show whether the receiver works again.
      () =>
        (delivery.replyTo === undefined ? this.pauseOf(pauseKey) : undefined) ??
        this.names.prepared(target.name, delivery),
    );
  }

  private pauseOf(key: string): Promise<Outcome> | undefined {
    if (this.pauses.size === 0) return undefined; // the usual case; it saves a lookup of half a microsecond
    const afterMs = (this.pauses.get(key) ?? 0) - this.now();
    if (afterMs <= 0) return undefined;
    return Promise.resolve({
      kind: 'retry',
      reason: 'The receiver requested a pause for this URI; nothing was sent.',
      afterMs,
      isDeferred: true,
    });
  }

  /** The most requests to an endpoint at once: one on each connection. */
  readonly capacity = (client: string): number => this.options(client)?.maxConnections ?? 1;

  /** How many endpoints have an open circuit because they failed repeatedly. */
  get openCircuits(): number {
    return this.endpoints.open;
  }

  /** Resolves when deliveries in progress have ended and all connections are closed. Nothing can be delivered afterwards. */
  close(): Promise<void> {
    return this.connections.close();
  }

  /** The `Authorization` header of the subscription, if it has one; an outcome if its meta cannot be read or used. */
  private async ownAuthorization({ subscriptionId }: Delivery): Promise<string | undefined | Outcome> {
    let open;
    try {
      open = subscriptionId === undefined ? undefined : await this.metaOf(subscriptionId);
    } catch (error) {
      return { kind: 'retry', reason: `The subscription cannot be read now (${codeOf(error)}).`, isWaiting: true };
    }
    if (open === undefined) return { kind: 'suppressed', reason: 'the subscription was deleted' };
    try {
      return ownAuthorization(open());
    } catch (error) {
      const reason = `The credentials in the subscription's meta cannot be used (${codeOf(error)}).`;
      return { kind: 'misconfigured', reason, isTargetOnly: true };
    }
  }

  private async attempt(
    delivery: Delivery,
    own: string | undefined,
    target: Target,
    connections: ClientSender<WebhookOptions, GuardedClient>,
    signal: AbortSignal,
    pauseKey: string,
  ): Promise<AttemptVerdict> {
    const body = Buffer.from(webhookBody(delivery));
    const headers = webhookHeaders(delivery, body, connections.options, target.isTrusted, this.now(), own);
    try {
      const answer = await connections.use((client) => client.post(target, headers, body, signal));
      const outcome = webhookOutcome(answer.status, answer.retryAfter, this.now());
      if (outcome.kind === 'retry' && outcome.afterMs !== undefined && pausing.has(answer.status)) {
        const until = this.now() + Math.min(outcome.afterMs, maxPauseMs);
        this.pauses.set(pauseKey, Math.max(this.pauses.get(pauseKey) ?? 0, until));
      } else if (outcome.kind === 'delivered' && this.pauses.size > 0) {
        this.pauses.delete(pauseKey);
      }
      const isForCaller = own !== undefined && isAboutCaller(answer.status);
      return {
        outcome,
        isEndpointFailure: isEndpointFailure(answer.status),
        ...(isForCaller && { isAboutCaller: true }),
      };
    } catch (error) {
      signal.throwIfAborted();
      return failedAttempt(error, 'endpoint');
    }
  }

  private targetOf(token: string, options: WebhookOptions): Target | Outcome {
    const targets = this.targets.get(options) ?? new Map<string, Target | Outcome>();
    const known = targets.get(token);
    if (known !== undefined) return known;
    const target = webhookTarget(token, options);
    if (targets.size >= maxTargets) targets.clear();
    targets.set(token, target);
    this.targets.set(options, targets);
    return target;
  }
}

/**
 * Identifies the credentials of a request: '' for the credentials of the client, else a hash of the subscription's credentials,
 * which are not kept in memory.
 */
function callerOf(ownAuthorization: string | undefined): string {
  return ownAuthorization === undefined ? '' : hash('sha256', ownAuthorization, 'hex');
}

function withoutUri(client: string): Outcome {
  const reason = `The webhook ${client} of the operator has no uri in its options.`;
  return { kind: 'misconfigured', reason, isTargetOnly: true };
}

/** A key made of the options that affect connections. */
function madeFor({ allowedNetworks, maxConnections, timeoutMillis, caFile }: WebhookOptions): string {
  return JSON.stringify([allowedNetworks, maxConnections, timeoutMillis, caFile]);
}
