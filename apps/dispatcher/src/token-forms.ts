import type { TokenForms } from '@pns/dispatch';
import { apnsToken } from '@pns/transport-apns/token';
import type { TokenRule, TransportName } from '@pns/transport-contract';
import { fcmToken } from '@pns/transport-fcm/token';
import { webhookToken } from '@pns/transport-webhook/token';
import { webpushToken } from '@pns/transport-webpush/token';
import { wnsToken } from '@pns/transport-wns/token';

/** Connection ids of sockets, and tokens of transports of newer versions, are already in normal form, so they have no rule. */
const rules: ReadonlyMap<string, TokenRule> = new Map<TransportName, TokenRule>([
  ['apns', apnsToken],
  ['fcm', fcmToken],
  ['wns', wnsToken],
  ['webhook', webhookToken],
  ['webpush', webpushToken],
]);

/** The token rules of all transports. */
export const tokenForms: TokenForms = {
  normalToken: (transport, token) => rules.get(transport)?.normalToken(token) ?? token,
};
