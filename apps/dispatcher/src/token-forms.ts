import type { TokenForms } from '@pns/dispatch';
import { apnsToken } from '@pns/transport-apns/token';
import type { TokenRule, TransportName } from '@pns/transport-contract';
import { fcmToken } from '@pns/transport-fcm/token';
import { webhookToken } from '@pns/transport-webhook/token';
import { wnsToken } from '@pns/transport-wns/token';

/** The connection ids of sockets have one spelling. */
const rules: Readonly<Record<Exclude<TransportName, 'websocket'>, TokenRule>> = {
  apns: apnsToken,
  fcm: fcmToken,
  wns: wnsToken,
  webhook: webhookToken,
};

/** The rules of all transports, without their clients. */
export const tokenForms: TokenForms = {
  normalToken: (transport, token) => (transport === 'websocket' ? token : rules[transport].normalToken(token)),
};
