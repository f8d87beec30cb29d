import { parkedNode } from '@pns/delivery';

/** A node that renews no entry for this time, in ms, has no connection to Redis, so its sockets count as parked. */
const liveMs = 60_000;

/** How long a socket that closed may come back and collect its mailbox, in ms. */
export const parkedMs = 120_000;

/**
 * How long the entry of a closed socket is stored, in ms. A client that comes back after `parkedMs`, but within this time, is
 * informed that it missed something.
 */
export const knownMs = 240_000;

/** The times and limits of the scripts of this lib. Only the scripts apply these rules; `rules.lua` describes them. */
const rules = { parkedNode, liveMs, parkedMs, knownMs, parkedPerUser: 32, placesPerSocket: 8 } as const;
const rulesJson = JSON.stringify(rules).slice(1);

/** The script argument that `rules.lua` reads; `dead` are the nodes that are known to be dead. */
export function ruleArgument(dead: readonly string[]): string {
  return `{"dead":${JSON.stringify(dead)},${rulesJson}`;
}
