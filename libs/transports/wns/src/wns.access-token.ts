import { type Grant, NoAnswerError } from '@pns/http-client';
import type { WnsConnections } from './wns.connections';
import type { WnsOptions } from './wns.options';
import { tokenOutcome } from './wns.outcome';

/** The lifetime of a token if the answer does not contain it, as in Microsoft's example. */
const usualLifetimeMs = 86_400_000;

/**
 * Requests an access token of one client. Rejects with a `NoAnswerError`. Source for apps of Partner Center:
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers; for
 * apps that are registered with Microsoft Entra:
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-quickstart
 */
export async function accessToken(options: WnsOptions, connections: WnsConnections, now: () => number): Promise<Grant> {
  const { status, retryAfter, json } = await connections.requestToken(tokenRequest(options));
  const { access_token: text, expires_in: seconds } = json;
  // The token becomes part of a header, so only visible ASCII is accepted.
  if (status !== 200 || typeof text !== 'string' || !/^[!-~]{1,16384}$/.test(text)) {
    throw new NoAnswerError(tokenOutcome(status, json['error'], retryAfter, now()));
  }
  // One of Microsoft's token endpoints sends the number as a string.
  return { text, lifetimeMs: Number(seconds) > 0 ? Number(seconds) * 1000 : usualLifetimeMs };
}

/** The URL and the form of a token request. */
export interface TokenRequest {
  readonly url: URL;
  /** The encoded fields of the form. */
  readonly body: string;
}

function tokenRequest({ sid, secret, tenantId, tokenEndpoint }: WnsOptions): TokenRequest {
  const [url, scope] =
    tenantId === undefined
      ? ['https://login.live.com/accesstoken.srf', 'notify.windows.com']
      : [`https://login.microsoftonline.com/${tenantId}/oauth2/v2.0/token`, 'https://wns.windows.com/.default'];
  const form = { grant_type: 'client_credentials', client_id: sid, client_secret: secret, scope };
  return { url: new URL(tokenEndpoint ?? url), body: new URLSearchParams(form).toString() };
}
