/** The names of all transports. */
export const transportNames = ['websocket', 'webhook', 'apns', 'fcm', 'wns'] as const;
export type TransportName = (typeof transportNames)[number];

/** The original's names for some of them. */
export const transportAliases: ReadonlyMap<string, TransportName> = new Map([
  ['apn', 'apns'],
  ['apns_http2', 'apns'],
  ['gcm', 'fcm'],
]);

/** The transport that `value` names, by our name or the original's; undefined for other values. */
export function transportName(value: string): TransportName | undefined {
  return transportNames.find((name) => name === value) ?? transportAliases.get(value);
}
