import type { Outcome } from '@pns/transport-contract';
import type { WnsConnections } from './wns.connections';
import type { WnsOptions } from './wns.options';
import { tokenOutcome } from './wns.outcome';

/** There is no access token to send with; `outcome` is what that means for a delivery. */
export class NoAccessTokenError extends Error {
  constructor(readonly outcome: Outcome) {
    super('reason' in outcome ? outcome.reason : outcome.kind);
    this.name = 'NoAccessTokenError';
  }
}

interface AccessToken {
  readonly text: string;
  readonly issuedAt: number;
  /** Not to be used from then on, in ms since the epoch. */
  readonly expiresAt: number;
}

/** The life of a token that does not say, as in Microsoft's example. */
const usualLifetimeMs = 86_400_000;

/** A token is renewed so long before it ends, or after nine tenths of a short life. */
const renewAheadMs = 5 * 60_000;

/** A refusal holds this long, and a token of this age is not asked for anew, so that a burst never becomes a burst of log-ins. */
export const refusalHoldsMs = 5000;

/**
 * The access tokens of one client. Source for apps of Partner Center:
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers; for
 * apps that are registered with Microsoft Entra:
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-quickstart
 */
export class AccessTokens {
  private token: AccessToken | undefined;
  private request: Promise<AccessToken> | undefined;
  private refusal: { readonly outcome: Outcome; readonly until: number } | undefined;

  constructor(
    private readonly options: WnsOptions,
    private readonly connections: WnsConnections,
    private readonly now: () => number,
  ) {}

  /** A token that is good as far as we know; all who ask while it is requested wait for the same. Rejects with a `NoAccessTokenError`. */
  async current(): Promise<string> {
    if (this.token !== undefined && this.now() < this.token.expiresAt) return this.token.text;
    const refusal = this.refusal;
    if (refusal !== undefined && this.now() < refusal.until) throw new NoAccessTokenError(refusal.outcome);
    this.request ??= this.requested().finally(() => (this.request = undefined));
    return (await this.request).text;
  }

  /** Another token than `stale`, which WNS refused; undefined where it is so new that another one would be refused too. */
  async insteadOf(stale: string): Promise<string | undefined> {
    if (this.token?.text === stale) {
      if (this.now() < this.token.issuedAt + refusalHoldsMs) return undefined;
      this.token = undefined;
    }
    return this.current();
  }

  private async requested(): Promise<AccessToken> {
    const { status, headers, json } = await this.connections.requestToken(tokenRequest(this.options));
    const now = this.now();
    const { access_token: text, expires_in: seconds } = json;
    // It becomes part of a header.
    if (status !== 200 || typeof text !== 'string' || !/^[!-~]{1,16384}$/.test(text)) {
      const outcome = tokenOutcome(status, json['error'], headers['retry-after'], now);
      this.refusal = { outcome, until: now + holdsMs(outcome) };
      throw new NoAccessTokenError(outcome);
    }
    // One of Microsoft's token endpoints writes the number as a text.
    const lifetimeMs = Number(seconds) > 0 ? Number(seconds) * 1000 : usualLifetimeMs;
    this.token = { text, issuedAt: now, expiresAt: now + lifetimeMs - Math.min(renewAheadMs, lifetimeMs / 10) };
    return this.token;
  }
}

function holdsMs(outcome: Outcome): number {
  if (outcome.kind === 'misconfigured') return refusalHoldsMs;
  return outcome.kind === 'retry' ? Math.min(outcome.afterMs ?? 0, refusalHoldsMs) : 0;
}

/** Where and how a token is requested. */
export interface TokenRequest {
  readonly url: URL;
  /** Form fields, encoded. */
  readonly body: string;
}

export function tokenRequest({ sid, secret, tenantId, tokenEndpoint }: WnsOptions): TokenRequest {
  const [url, scope] =
    tenantId === undefined
      ? ['https://login.live.com/accesstoken.srf', 'notify.windows.com']
      : [`https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`, 'https://wns.windows.com/.default'];
  const form = { grant_type: 'client_credentials', client_id: sid, client_secret: secret, scope };
  return { url: new URL(tokenEndpoint ?? url), body: new URLSearchParams(form).toString() };
}
