/** The wires a notification can leave by. */
export const transportNames = ['websocket', 'webhook', 'apns', 'fcm', 'wns'] as const;
export type TransportName = (typeof transportNames)[number];

/** The original's names for some of them. */
export const transportAliases: ReadonlyMap<string, TransportName> = new Map([
  ['apn', 'apns'],
  ['apns_http2', 'apns'],
  ['gcm', 'fcm'],
]);

/** The transport that `value` names, reading the original's names too; undefined for anything else. */
export function transportName(value: string): TransportName | undefined {
  return transportNames.find((name) => name === value) ?? transportAliases.get(value);
}
