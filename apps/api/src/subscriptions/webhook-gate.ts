import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import type { ClientStanding, OptionsOf } from '@pns/config-folder';
import { webhookUriFault, type UserKey } from '@pns/subscriptions';
import { webhookToken, type WebhookOptions } from '@pns/transport-webhook';
import { RequestError } from '../http/request-error';

/** A request for a webhook subscription. */
interface WebhookRequest extends UserKey {
  readonly client: string;
  readonly token?: string | undefined;
  readonly expiresAt?: number | undefined;
}

/** The values that the webhook's options grant to a request. */
export interface WebhookGrant {
  readonly token: string;
  readonly expiresAt?: number;
  readonly isShared: boolean;
  /** Absent where the webhook has no own limit. */
  readonly maxPerUser: number | undefined;
}

/** Decides which URIs users may register for a webhook, by its options and the cascade. */
@Injectable()
export class WebhookGate {
  constructor(
    private readonly cascade: ConfigCascade,
    private readonly optionsOf: OptionsOf<WebhookOptions>,
    private readonly standing: (client: string) => ClientStanding,
  ) {}

  /** The values to register for a request. `now` is in ms since the epoch. @throws RequestError with the reason of a refusal. */
  async grant(request: WebhookRequest, now: number): Promise<WebhookGrant> {
    const { client } = request;
    const options = this.optionsOf(client);
    if (options === undefined) throw this.withoutOptions(client);
    await this.cascade.load([request]);
    this.assertEnabled(request);
    return {
      token: uriOf(request, options),
      ...expiryOf(request, options, now),
      isShared: options.allowSharedUri,
      maxPerUser: options.maxNumberOfSubscriptionsPerUser || undefined,
    };
  }

  /** The URI in the options of a webhook. */
  configuredUri(client: string): string | undefined {
    return this.optionsOf(client)?.uri;
  }

  /**
   * The error for a client without usable options. It does not contain the reason, because subscribers must not read the
   * operator's files.
   */
  private withoutOptions(client: string): RequestError {
    if (this.standing(client).kind === 'missing') {
      return new RequestError(
        'WEBHOOK_UNKNOWN',
        `client must be the id of a configured webhook, and ${client} is not configured.`,
      );
    }
    const sentence = `The configuration of the webhook ${client} was refused; GET /v1/clients shows the reason to administrators.`;
    return new RequestError('WEBHOOK_REFUSED', sentence);
  }

  private assertEnabled({ context, user, client }: WebhookRequest): void {
    const name = 'com.openexchange.webhooks.enabledIds';
    if (this.cascade.resolve(name, { context, user }).value.includes(client)) return;
    const sentence = `${client} is not in ${name} for user ${user} of context ${context}.`;
    throw new RequestError('WEBHOOK_NOT_ENABLED', sentence);
  }
}

function uriOf({ client, token }: WebhookRequest, { uri, uriValidationMode, httpsOnly }: WebhookOptions): string {
  const refuse = (sentence: string) => new RequestError('WEBHOOK_URI_REFUSED', sentence);
  const candidate = token ?? uri;
  if (candidate === undefined) throw refuse(`token is missing, and the webhook ${client} has no configured URI.`);
  const problem = webhookToken.tokenProblem(candidate);
  if (problem !== undefined) throw refuse(`The URI ${problem}.`);
  const normal = webhookToken.normalToken(candidate);
  const fault = webhookUriFault(uriValidationMode, uri ?? '', normal);
  if (fault !== undefined) throw refuse(fault);
  if (httpsOnly && !/^https:/i.test(normal)) throw refuse('The URI must use https.');
  return normal;
}

/**
 * The expiry to register. As in the original, an expiry beyond the longest time to live is refused, not shortened.
 *
 * @throws RequestError `WEBHOOK_EXPIRY_REFUSED`
 */
function expiryOf(
  { expiresAt }: WebhookRequest,
  { maxTimeToLiveMillis }: WebhookOptions,
  now: number,
): { readonly expiresAt?: number } {
  if (maxTimeToLiveMillis === 0) return expiresAt === undefined ? {} : { expiresAt };
  const latest = now + maxTimeToLiveMillis;
  if (expiresAt !== undefined && expiresAt > latest) {
    const sentence = `expires must be at most ${maxTimeToLiveMillis} ms from now for this webhook.`;
    throw new RequestError('WEBHOOK_EXPIRY_REFUSED', sentence);
  }
  return { expiresAt: expiresAt ?? latest };
}
