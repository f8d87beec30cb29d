import { isIP } from 'node:net';
import type { GuardedTarget } from './guarded-client';

/** A target of `GuardedClient`, with the name that `Names` looks up for it. */
export interface NamedTarget extends GuardedTarget {
  /** The host if it is a name; absent if it is an address. */
  readonly name?: string;
}

/** Returns the target of a parsed URI. The URI parser writes IPv4 addresses in dotted form, and IPv6 addresses in brackets. */
export function namedTarget({ origin, hostname, pathname, search }: URL): NamedTarget {
  const isName = isIP(hostname) === 0 && !hostname.startsWith('[');
  return { origin, path: pathname + search, ...(isName && { name: hostname }) };
}
