import { apnsToken } from '@pns/transport-apns';
import { transportNames, type TokenRule, type TransportName } from '@pns/transport-contract';
import { fcmToken } from '@pns/transport-fcm';
import { webhookToken } from '@pns/transport-webhook';
import { wnsToken } from '@pns/transport-wns';

/** The rule of each transport whose tokens clients register. */
export const tokenRules: Readonly<Record<Exclude<TransportName, 'websocket'>, TokenRule>> = {
  apns: apnsToken,
  fcm: fcmToken,
  wns: wnsToken,
  webhook: webhookToken,
};

/** How a transport spells a token. */
export function normalToken(transport: TransportName, token: string): string {
  return transport === 'websocket' ? token : tokenRules[transport].normalToken(token);
}

/** Who holds a token that several users register and that is not shared. */
export function holderOf(transport: TransportName): 'first' | 'last' {
  return transport === 'websocket' || tokenRules[transport].isSecret ? 'last' : 'first';
}

/** How each transport spells a token, or only `transport`. */
export function tokensByTransport(
  token: string,
  transport?: TransportName,
): Readonly<Partial<Record<TransportName, string>>> {
  const names = transport === undefined ? transportNames : [transport];
  return Object.fromEntries(names.map((name) => [name, normalToken(name, token)]));
}
