import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import proxyAddr from '@fastify/proxy-addr';
import ipaddr from 'ipaddr.js';

/** Finds the address of a client, with or without proxies in between. */
export class ClientAddresses {
  private readonly trusts: (address: string, hops: number) => boolean;

  /** `proxies`: addresses or networks whose `X-Forwarded-For` is trusted. */
  constructor(proxies: readonly string[]) {
    this.trusts = proxyAddr.compile([...proxies]);
  }

  /** Whether this peer is a trusted proxy, so that its address is not the address of the client. */
  isProxy(peer: string): boolean {
    return isIP(peer) !== 0 && this.trusts(plain(peer), 0);
  }

  /** The client's address: the last address in `X-Forwarded-For` that is not a trusted proxy, else the address of the peer. */
  of(request: IncomingMessage): string {
    return addressKey(proxyAddr(request, (address, hops) => isIP(address) !== 0 && this.trusts(plain(address), hops)));
  }
}

/**
 * The key by which connections are limited. A /64 of IPv6 is one address, because one subscriber has all of it. An IPv4 address
 * has the same key with and without `::ffff:`.
 */
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
