import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import proxyAddr from '@fastify/proxy-addr';
import ipaddr from 'ipaddr.js';

/** Reads from which address a client comes, with or without proxies in between. */
export class ClientAddresses {
  private readonly trusts: (address: string, hops: number) => boolean;

  /** `proxies`: addresses or networks whose `X-Forwarded-For` is believed. */
  constructor(proxies: readonly string[]) {
    this.trusts = proxyAddr.compile([...proxies]);
  }

  /** Whether this peer is a proxy, so that it does not say who the client is. */
  isProxy(peer: string): boolean {
    return isIP(peer) !== 0 && this.trusts(plain(peer), 0);
  }

  /** What counts as the client's address: the last one in `X-Forwarded-For` that no trusted proxy has, else the peer's. */
  of(request: IncomingMessage): string {
    return addressKey(proxyAddr(request, (address, hops) => isIP(address) !== 0 && this.trusts(plain(address), hops)));
  }
}

/** What one party can have many of counts as one address: a /64 of IPv6. IPv4 is the same with or without `::ffff:`. */
export function addressKey(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${(parsed as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}

function plain(address: string): string {
  return ipaddr.process(address).toString();
}
