import type { Delivery } from '@pns/transport-contract';

/** The event of a socket whose session ended; the server closes it then. */
export const sessionInvalidEvent = 'session:invalid';

/** The event of a socket that came back and may have missed notifications that nobody kept. */
export const missedEvent = 'notifications:missed';

/** Names that Socket.IO keeps for itself, so that no topic of this name can be sent: its documentation, "Emit cheatsheet". */
const reservedEvents: ReadonlySet<string> = new Set([
  'connect',
  'connect_error',
  'disconnect',
  'disconnecting',
  'newListener',
  'removeListener',
]);

/** Whether Socket.IO can send an event that is named like the topic. */
export function isEventName(topic: string): boolean {
  return !reservedEvents.has(topic);
}

/** The event that a notification is for a client: topic and payload, and what is known of it for those who asked. */
export function frameOf(delivery: Delivery, wantsMeta: boolean): readonly [string, ...unknown[]] {
  const { topic, payload, notificationId, timestamp, count } = delivery;
  return wantsMeta ? [topic, payload, { id: notificationId, timestamp, count }] : [topic, payload];
}

/** A delivery's token for the sockets of `node`, or for the one of them with this connection id. */
export function socketToken(node: string, connection?: string): string {
  return connection === undefined ? node : `${node} ${connection}`;
}

/** The one connection id that a delivery's token is for; undefined when it is for all. */
export function connectionOf(token: string): string | undefined {
  const space = token.indexOf(' ');
  return space === -1 ? undefined : token.slice(space + 1);
}
