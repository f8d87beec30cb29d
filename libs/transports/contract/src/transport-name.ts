/** The wires a notification can leave by. */
export const transportNames = ['websocket', 'webhook', 'apns', 'fcm', 'wns'] as const;
export type TransportName = (typeof transportNames)[number];

const aliases: ReadonlyMap<string, TransportName> = new Map([
  ['apn', 'apns'],
  ['gcm', 'fcm'],
]);

/** The transport that `value` names, reading the original's `apn` and `gcm` too; undefined for anything else. */
export function transportName(value: string): TransportName | undefined {
  return transportNames.find((name) => name === value) ?? aliases.get(value);
}
