import { Injectable } from '@nestjs/common';
import { SubscriptionStore, type Expected, type Registration, type StoredSubscription } from '@pns/persistence';
import type { TransportName } from '@pns/transport-contract';
import { ownCredentials } from '@pns/transport-webhook';
import { z } from 'zod';
import { check, sentenceOf } from '../http/faults';
import { RequestError } from '../http/request-error';
import { WebhookGate } from './webhook-gate';

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
  ) {}

  /**
   * Adds a subscription, or replaces the one that this user's client has with this token.
   *
   * @throws RequestError when its transport cannot be subscribed to like this, or the webhook refuses it; PnsError
   *   `SUBSCRIPTION_LIMIT`.
   */
  async register(
    request: SubscriptionRequest,
  ): Promise<{ readonly subscription: StoredSubscription; readonly isNew: boolean }> {
    const { registration, maxPerUser } = await this.registrationOf(request);
    return this.subscriptions.register(registration, maxPerUser);
  }

  /**
   * Changes what is named and leaves the rest; undefined when the subscription is no more. A webhook has a say in
   * when its subscriptions expire.
   *
   * @throws RequestError when the webhook refuses the expiry, or meta holds credentials that cannot be any; PnsError
   *   `VERSION_CHANGED` where it is not as `expected`.
   */
  async change(
    current: StoredSubscription,
    { topics, expires, meta }: SubscriptionChanges,
    expected?: Expected,
  ): Promise<StoredSubscription | undefined> {
    const { id, transport } = current;
    if (transport === 'webhook') assertCredentials(meta ?? {});
    const named = { ...(topics === undefined ? {} : { topics }), ...(meta === undefined ? {} : { meta }) };
    if (expires === undefined) return this.subscriptions.change(id, named, expected);
    const asked = expires || undefined;
    const expiresAt =
      transport === 'webhook'
        ? (await this.webhooks.grant({ ...current, expiresAt: asked }, Date.now())).expiresAt
        : asked;
    return this.subscriptions.change(id, { ...named, expiresAt: expiresAt ?? null }, expected);
  }

  private async registrationOf(
    request: SubscriptionRequest,
  ): Promise<{ registration: Registration; maxPerUser: number }> {
    const { context, user, client, transport, token, topics, meta } = request;
    const expiresAt = request.expires || undefined;
    const common = { context, user, client, transport, topics, ...(meta === undefined ? {} : { meta }) };
    if (transport === 'websocket') {
      const sentence = 'A websocket subscription is not registered: an open socket is the subscription.';
      throw new RequestError('BODY_INVALID', sentence, [{ field: 'transport', message: 'cannot be websocket' }]);
    }
    if (transport === 'webhook') {
      assertCredentials(meta ?? {});
      const { maxPerUser, ...grant } = await this.webhooks.grant(
        { context, user, client, token, expiresAt },
        Date.now(),
      );
      return { registration: { ...common, ...grant }, maxPerUser };
    }
    if (token === undefined) {
      throw new RequestError('BODY_INVALID', 'token is missing.', [{ field: 'token', message: 'is missing' }]);
    }
    const expiry = expiresAt === undefined ? {} : { expiresAt };
    return { registration: { ...common, token, ...expiry, isShared: false }, maxPerUser: Infinity };
  }
}

const credentialsInMeta = z.object({ meta: ownCredentials });

/** @throws RequestError when the credentials in a webhook's `meta` could not be sent. */
function assertCredentials(meta: object): void {
  const checked = check(credentialsInMeta, { meta });
  if (!checked.ok) throw new RequestError('BODY_INVALID', sentenceOf(checked.faults), checked.faults);
}
