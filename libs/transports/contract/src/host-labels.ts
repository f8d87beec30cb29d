/**
 * Whether a host has only labels that name servers accept. Source: RFC 1035, 2.3.4. A dot at the end of a name does not
 * begin an empty label. An IPv6 address is one label.
 */
export function hasValidLabels(host: string): boolean {
  const name = host.replace(/\.$/, '');
  return name.length <= 253 && name.split('.').every((label) => label !== '' && label.length <= 63);
}
