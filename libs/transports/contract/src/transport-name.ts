/** The names of all transports. */
export const transportNames = ['websocket', 'webhook', 'apns', 'fcm', 'wns', 'webpush'] as const;
/** The name of a transport. */
export type TransportName = (typeof transportNames)[number];

/** Aliases of transports: the names in the original, and UnifiedPush, which is Web Push on Android. */
export const transportAliases: ReadonlyMap<string, TransportName> = new Map([
  ['apn', 'apns'],
  ['apns_http2', 'apns'],
  ['gcm', 'fcm'],
  ['unifiedpush', 'webpush'],
]);

/** The transport that `value` names, by our name or an alias; undefined for other values. */
export function transportName(value: string): TransportName | undefined {
  return transportNames.find((name) => name === value) ?? transportAliases.get(value);
}
