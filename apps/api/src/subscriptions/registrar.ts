import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import {
  SubscriptionStore,
  type Expected,
  type Registrant,
  type Registration,
  type RegistrationRules,
  type StoredSubscription,
} from '@pns/persistence';
import { maxTokenBytes, type UserKey } from '@pns/subscriptions';
import { hasConfiguredUri, isRegistered, type TransportName } from '@pns/transport-contract';
import { ownCredentials } from '@pns/transport-webhook';
import { z } from 'zod';
import { ClientAccounts } from '../clients/client-accounts';
import { check, sentenceOf } from '../http/faults';
import { RequestError } from '../http/request-error';
import { holderOf, tokenRules } from './token-rules';
import { WebhookGate, type WebhookGrant } from './webhook-gate';

/** What somebody asks to be subscribed; a webhook's token may be absent, and stands for its configured URI then. */
export interface SubscriptionRequest {
  readonly context: number;
  readonly user: number;
  readonly client: string;
  readonly transport: TransportName;
  readonly token?: string | undefined;
  readonly topics: readonly string[];
  /** In ms since the epoch; absent or 0: never. */
  readonly expires?: number | undefined;
  readonly meta?: Readonly<Record<string, unknown>> | undefined;
}

/** What is to be changed of a subscription; `expires` as in a request, and `meta` null removes it. */
export interface SubscriptionChanges {
  readonly topics?: readonly string[] | undefined;
  readonly expires?: number | undefined;
  readonly meta?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Registers subscriptions by the rules of their transports, whichever API they came in by. */
@Injectable()
export class Registrar {
  constructor(
    private readonly subscriptions: SubscriptionStore,
    private readonly webhooks: WebhookGate,
    private readonly cascade: ConfigCascade,
    private readonly accounts: ClientAccounts,
  ) {}

  /**
   * Adds a subscription, or replaces the one that this user's client has with this token.
   *
   * @throws RequestError when its transport cannot be subscribed to like this, or the webhook refuses it; PnsError
   *   `SUBSCRIPTION_LIMIT` or `TOKEN_TAKEN`.
   */
  async register(
    request: SubscriptionRequest,
    registrant: Registrant,
  ): Promise<{ readonly subscription: StoredSubscription; readonly isNew: boolean }> {
    const { registration, rules } = await this.registrationOf(request);
    assertFits(registration.token);
    return this.subscriptions.register(registration, { ...rules, registrant });
  }

  /**
   * Changes what is named and leaves the rest; undefined when the subscription is no more. A webhook has a say in
   * when its subscriptions expire.
   *
   * @throws RequestError when the webhook refuses the expiry, or meta holds credentials that cannot be any; PnsError
   *   `VERSION_CHANGED` where it is not as `expected`, and as `register` does where an expired one comes back.
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

  /** How many subscriptions a user may have, and who keeps the token where it is not shared. */
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

  /** The token as its transport spells it. @throws RequestError `TOKEN_INVALID` where it can be none of a provider's. */
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
    if (token === undefined) {
      throw new RequestError('BODY_INVALID', 'token is missing.', [{ field: 'token', message: 'is missing' }]);
    }
    const expiry = expiresAt === undefined ? {} : { expiresAt };
    const registration = { ...common, token: this.tokenOf(transport, client, token), ...expiry, isShared: false };
    return { registration, rules: await this.rulesFor(request) };
  }
}

/** Postgres keeps no longer token. Escapes may have made it longer than it was said. */
function assertFits(token: string): void {
  if (Buffer.byteLength(token) <= maxTokenBytes) return;
  const message = `must have at most ${maxTokenBytes} bytes`;
  throw new RequestError('BODY_INVALID', `token ${message}.`, [{ field: 'token', message }]);
}

const credentialsInMeta = z.object({ meta: ownCredentials });

/** @throws RequestError when the credentials in a webhook's `meta` could not be sent. */
function assertCredentials(meta: object): void {
  const checked = check(credentialsInMeta, { meta });
  if (!checked.ok) throw new RequestError('BODY_INVALID', sentenceOf(checked.faults), checked.faults);
}
