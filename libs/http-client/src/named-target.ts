import { isIP } from 'node:net';
import type { GuardedTarget } from './guarded-client';

/** A target of `GuardedClient`, with the name that `Names` looks up for it. */
export interface NamedTarget extends GuardedTarget {
  /** The host if it is a name; absent if it is an address. */
  readonly name?: string;
}

/** The target of a parsed URI. The parser writes every IPv4 address in its dotted form, and IPv6 in brackets. */
export function namedTarget({ origin, hostname, pathname, search }: URL): NamedTarget {
  const isName = isIP(hostname) === 0 && !hostname.startsWith('[');
  return { origin, path: pathname + search, ...(isName && { name: hostname }) };
}
