import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A network that an operator allowed in addition to public addresses. */
export type Network = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, prefixBits: number];

/** @throws Error if one of `cidrs` is not a network in CIDR notation. */
export function networks(cidrs: readonly string[]): Network[] {
  return cidrs.map((cidr) => ipaddr.parseCIDR(cidr));
}

/**
 * Source: RFC 4291, 2.4 and IANA's "IPv6 Address Space": only 2000::/3 is allocated as global unicast. This excludes
 * IPv4-compatible, translated and NAT64 addresses. 6to4 and Teredo addresses are inside 2000::/3; ipaddr.js has ranges for both.
 */
const globalUnicast = ipaddr.parseCIDR('2000::/3');

/** Azure's platform address. The address is public, but the host of the virtual machine answers requests to it. */
const azurePlatform = ipaddr.parseCIDR('168.63.129.16/32');

/**
 * Returns the rule that forbids a connection to `address`; undefined if it is public or in `allowed`. An IPv4-mapped
 * IPv6 address counts as the IPv4 address that the connection would really use.
 */
export function addressRule(address: string, allowed: readonly Network[]): string | undefined {
  if (!ipaddr.isValid(address)) return 'not an address';
  const parsed = ipaddr.process(address);
  if (allowed.some((network) => contains(network, parsed))) return undefined;
  if (contains(azurePlatform, parsed)) return 'metadata';
  const range = parsed.range();
  if (range !== 'unicast') return range;
  if (parsed.kind() === 'ipv6' && !contains(globalUnicast, parsed)) return 'outside 2000::/3';
  return embedsIpv4(parsed) ? 'isatap' : undefined;
}

/**
 * Returns the rule that forbids the host of a parsed URI if the host is an address. Returns undefined for a name, because
 * its addresses are checked after the look-up.
 */
export function hostRule(hostname: string, allowed: readonly Network[]): string | undefined {
  const literal = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(literal) === 0 ? undefined : addressRule(literal, allowed);
}

function contains([network, bits]: Network, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return network.kind() === address.kind() && address.match(network, bits);
}

/**
 * Whether an address is an ISATAP address (RFC 5214, 6.1). Under any prefix, an interface id that begins with 00-00-5E-FE or
 * 02-00-5E-FE contains an IPv4 address.
 */
function embedsIpv4(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (!('parts' in address)) return false;
  return (address.parts[4] === 0 || address.parts[4] === 0x200) && address.parts[5] === 0x5efe;
}
