import { apnsToken } from '@pns/transport-apns';
import { transportNames, type RegisteredTransport, type TokenRule, type TransportName } from '@pns/transport-contract';
import { fcmToken } from '@pns/transport-fcm';
import { webhookToken } from '@pns/transport-webhook';
import { webpushToken } from '@pns/transport-webpush';
import { wnsToken } from '@pns/transport-wns';

/** The token rules of the transports with registered tokens. */
export const tokenRules: Readonly<Record<RegisteredTransport, TokenRule>> = {
  apns: apnsToken,
  fcm: fcmToken,
  wns: wnsToken,
  webhook: webhookToken,
  webpush: webpushToken,
};

/** The same rules for any name of a transport, because a row can have a transport of a newer version. */
const rules: ReadonlyMap<string, TokenRule> = new Map(Object.entries(tokenRules));

/** The normal form of a token. Connection ids, and tokens of a transport without a rule, are returned unchanged. */
export function normalToken(transport: TransportName, token: string): string {
  return rules.get(transport)?.normalToken(token) ?? token;
}

/** Which user keeps a token that several users register and that is not shared. */
export function holderOf(transport: TransportName): 'first' | 'last' {
  return rules.get(transport)?.isSecret === false ? 'first' : 'last';
}

/** The normal form of a token for each transport, or only for `transport`. */
export function tokensByTransport(
  token: string,
  transport?: TransportName,
): Readonly<Partial<Record<TransportName, string>>> {
  const names = transport === undefined ? transportNames : [transport];
  return Object.fromEntries(names.map((name) => [name, normalToken(name, token)]));
}
