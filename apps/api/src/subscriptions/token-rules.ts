import { apnsToken } from '@pns/transport-apns';
import { transportNames, type RegisteredTransport, type TokenRule, type TransportName } from '@pns/transport-contract';
import { fcmToken } from '@pns/transport-fcm';
import { webhookToken } from '@pns/transport-webhook';
import { wnsToken } from '@pns/transport-wns';

/** The rule of each transport whose tokens clients register. */
export const tokenRules: Readonly<Record<RegisteredTransport, TokenRule>> = {
  apns: apnsToken,
  fcm: fcmToken,
  wns: wnsToken,
  webhook: webhookToken,
};

/** By any name: a row may be of a transport that only a newer version knows. */
const rules: ReadonlyMap<string, TokenRule> = new Map(Object.entries(tokenRules));

/** How a transport spells a token. Connection ids of sockets, and tokens of a transport without a rule, have one spelling. */
export function normalToken(transport: TransportName, token: string): string {
  return rules.get(transport)?.normalToken(token) ?? token;
}

/** Who holds a token that several users register and that is not shared. */
export function holderOf(transport: TransportName): 'first' | 'last' {
  return rules.get(transport)?.isSecret === false ? 'first' : 'last';
}

/** How each transport spells a token, or only `transport`. */
export function tokensByTransport(
  token: string,
  transport?: TransportName,
): Readonly<Partial<Record<TransportName, string>>> {
  const names = transport === undefined ? transportNames : [transport];
  return Object.fromEntries(names.map((name) => [name, normalToken(name, token)]));
}
