import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import {
  EndpointStore,
  SubscriptionStore,
  type Expected,
  type Registrant,
  type Registration,
  type RegistrationRules,
  type StoredSubscription,
} from '@pns/persistence';
import { log } from '@pns/runtime';
import { maxTokenBytes, type UserKey } from '@pns/subscriptions';
import { hasConfiguredUri, hasEndpoints, hasPushKeys, isRegistered, type TransportName } from '@pns/transport-contract';
import { ownCredentials } from '@pns/transport-webhook';
import { z } from 'zod';
import { ClientAccounts } from '../clients/client-accounts';
import { check, sentenceOf } from '../http/faults';
import { RequestError } from '../http/request-error';
import { PushGate } from './push-gate';
import type { PushSubscription } from './push-subscription';
import { holderOf, tokenRules } from './token-rules';
import { WebhookGate, type WebhookGrant } from './webhook-gate';

/** A request for a subscription. Without a token, a webhook uses its configured URI. */
interface SubscriptionRequest {
  readonly context: number;
  readonly user: number;
  readonly client: string;
  readonly transport: TransportName;
  readonly token?: string | undefined;
  /** For webpush: the subscription of the browser. */
  readonly pushSubscription?: PushSubscription | undefined;
  readonly topics: readonly string[];
  /** In ms since the epoch; absent or 0: never. */
  readonly expires?: number | undefined;
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
}

/** Changes to a subscription. `expires` has the same meaning as in a request; `meta: null` removes the meta. */
export interface SubscriptionChanges {
  readonly topics?: readonly string[] | undefined;
  readonly expires?: number | undefined;
  readonly meta?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Registers subscriptions by the rules of their transports, for every API. */
@Injectable()
export class Registrar {
  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly webhooks: WebhookGate,
    private readonly push: PushGate,
    private readonly cascade: ConfigCascade,
    private readonly accounts: ClientAccounts,
    private readonly endpoints: EndpointStore,
  ) {}

  /**
   * Adds a subscription, or replaces the subscription of the same user, client, transport and token.
   *
   * @throws RequestError when the transport or the webhook refuses the request; PnsError `SUBSCRIPTION_LIMIT` or `TOKEN_TAKEN`.
   */
  async register(
    request: SubscriptionRequest,
    registrant: Registrant,
  ): Promise<{ readonly subscription: StoredSubscription; readonly isNew: boolean }> {
    const { registration, rules } = await this.registrationOf(request);
    assertFits(registration.token);
    const registered = await this.subscriptions.register(registration, { ...rules, registrant });
    await this.switchOn(registration);
    return registered;
  }

  /**
   * Changes the given fields; undefined when the subscription was deleted. A webhook may limit the expiry.
   *
   * @throws RequestError when the webhook refuses the expiry, or the credentials in meta are not valid; PnsError
   *   `VERSION_CHANGED` when the version is not `expected`, and the errors of `register` when an expired subscription becomes
   *   valid again.
   */
  async change(
    current: StoredSubscription,
    { topics, expires, meta }: SubscriptionChanges,
    expected?: Expected,
  ): Promise<StoredSubscription | undefined> {
    const { id, transport } = current;
    if (hasConfiguredUri(transport)) assertCredentials(meta ?? {});
    const named = { ...(topics === undefined ? {} : { topics }), ...(meta === undefined ? {} : { meta }) };
    if (expires === undefined) return this.subscriptions.change(id, named, expected);
    const asked = expires || undefined;
    if (!hasConfiguredUri(transport)) {
      const rules = await this.rulesFor(current);
      return this.subscriptions.change(id, { ...named, expiresAt: asked ?? null }, expected, rules);
    }
    const { expiresAt, ...grant } = await this.webhooks.grant({ ...current, expiresAt: asked }, Date.now());
    const rules = await this.rulesFor(current, grant);
    return this.subscriptions.change(id, { ...named, expiresAt: expiresAt ?? null }, expected, rules);
  }

  /** Switches the endpoint on again, because a user who registers an endpoint expects that it works. */
  private async switchOn({ transport, client, token }: Registration): Promise<void> {
    if (!hasEndpoints(transport)) return;
    for (const { origin, id } of await this.endpoints.enable({ transport, client, token })) {
      log.info({ event: 'endpoint.switched-on', transport, client, origin, endpoint: id, by: 'registration' });
    }
  }

  /** The limits of subscriptions per user, and which user keeps a token that is not shared. */
  private async rulesFor(
    owner: UserKey & Pick<SubscriptionRequest, 'transport'>,
    webhook?: Pick<WebhookGrant, 'maxPerUser' | 'isShared'>,
  ): Promise<RegistrationRules> {
    await this.cascade.load([owner]);
    return {
      holder: webhook?.isShared === true ? 'last' : holderOf(owner.transport),
      maxPerClient:
        webhook?.maxPerUser ?? this.cascade.resolve('com.openexchange.pns.subscriptions.maxPerUser', owner).value,
      maxPerUser: this.cascade.resolve('com.openexchange.pns.subscriptions.maxTotalPerUser', owner).value,
    };
  }

  /** The token in its normal form. @throws RequestError `TOKEN_INVALID` if it does not have the format of the provider */
  private tokenOf(transport: keyof typeof tokenRules, client: string, token: string): string {
    const rule = tokenRules[transport];
    const message = rule.tokenProblem(token, this.accounts.allowedHosts(transport, client));
    if (message !== undefined)
      throw new RequestError('TOKEN_INVALID', `token ${message}.`, [{ field: 'token', message }]);
    return rule.normalToken(token);
  }

  private async registrationOf(
    request: SubscriptionRequest,
  ): Promise<{ registration: Registration; rules: RegistrationRules }> {
    const { context, user, client, transport, token, topics, meta } = request;
    const expiresAt = request.expires || undefined;
    const common = { context, user, client, transport, topics, ...(meta === undefined ? {} : { meta }) };
    if (!isRegistered(transport)) {
      const sentence = 'A websocket subscription is not registered: an open socket is the subscription.';
      throw new RequestError('BODY_INVALID', sentence, [{ field: 'transport', message: 'cannot be websocket' }]);
    }
    if (hasConfiguredUri(transport)) {
      assertCredentials(meta ?? {});
      const { maxPerUser, ...grant } = await this.webhooks.grant(
        { context, user, client, token, expiresAt },
        Date.now(),
      );
      const rules = await this.rulesFor(request, { ...grant, maxPerUser });
      return { registration: { ...common, ...grant }, rules };
    }
    const { pushSubscription } = request;
    if (hasPushKeys(transport)) {
      const grant = await this.push.grant({ client, token, pushSubscription, expiresAt });
      return { registration: { ...common, ...grant, isShared: false }, rules: await this.rulesFor(request) };
    }
    if (pushSubscription !== undefined) {
      const message = 'is only for webpush';
      throw new RequestError('BODY_INVALID', `pushSubscription ${message}.`, [{ field: 'pushSubscription', message }]);
    }
    if (token === undefined) {
      throw new RequestError('BODY_INVALID', 'token is missing.', [{ field: 'token', message: 'is missing' }]);
    }
    const expiry = expiresAt === undefined ? {} : { expiresAt };
    const registration = { ...common, token: this.tokenOf(transport, client, token), ...expiry, isShared: false };
    return { registration, rules: await this.rulesFor(request) };
  }
}

/** Throws if `token` does not fit into its column in Postgres. Percent-encoding can make a token longer than in the request. */
function assertFits(token: string): void {
  if (Buffer.byteLength(token) <= maxTokenBytes) return;
  const message = `must have at most ${maxTokenBytes} bytes`;
  throw new RequestError('BODY_INVALID', `token ${message}.`, [{ field: 'token', message }]);
}

const credentialsInMeta = z.object({ meta: ownCredentials });

/** @throws RequestError when the credentials in a webhook's `meta` cannot be sent in a header. */
function assertCredentials(meta: object): void {
  const checked = check(credentialsInMeta, { meta });
  if (!checked.ok) throw new RequestError('BODY_INVALID', sentenceOf(checked.faults), checked.faults);
}
