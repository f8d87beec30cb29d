import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { addressRule, hostRule, networks } from './address-rule';

/** One network of each forbidden kind, as `first address/prefix`. */
const forbidden4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '255.255.255.255/32',
];

const forbidden6 = [
  '::/128',
  '::1/128',
  '::/96',
  '::ffff:0:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/32',
  '2001:2::/48',
  '2001:10::/28',
  '2001:20::/28',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '4000::/3',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  '2600:1f18::5efe:0:0/96',
  '2600:1f18::200:5efe:0:0/96',
];

const inside = (cidr: string, random: readonly number[]): number[] => {
  const [network, bits] = ipaddr.parseCIDR(cidr);
  return network.toByteArray().map((byte, index) => {
    const fixed = Math.min(Math.max(bits - index * 8, 0), 8);
    const mask = (0xff << (8 - fixed)) & 0xff;
    return (byte & mask) | ((random[index] ?? 0) & ~mask & 0xff);
  });
};

const bytes = (length: number): fc.Arbitrary<number[]> =>
  fc.array(fc.nat(255), { minLength: length, maxLength: length });
const within = (cidrs: readonly string[], length: number): fc.Arbitrary<number[]> =>
  fc.tuple(fc.constantFrom(...cidrs), bytes(length)).map(([cidr, random]) => inside(cidr, random));
const bad4 = within(forbidden4, 4);
const bad6 = within(forbidden6, 16);

const number32 = (octets: readonly number[]): number => octets.reduce((sum, octet) => sum * 256 + octet, 0);
const colons = (octets: readonly number[]): string =>
  Array.from({ length: octets.length / 2 }, (_, i) =>
    (((octets[2 * i] ?? 0) << 8) | (octets[2 * i + 1] ?? 0)).toString(16),
  ).join(':');

/** The ways to write one IPv4 address in a URI. */
const spellings4: Readonly<Record<string, (octets: readonly number[]) => string>> = {
  dotted: (octets) => octets.join('.'),
  'with a trailing dot': (octets) => `${octets.join('.')}.`,
  decimal: (octets) => String(number32(octets)),
  hexadecimal: (octets) => `0x${number32(octets).toString(16)}`,
  octal: (octets) => `0${number32(octets).toString(8)}`,
  'octal by octet': (octets) => octets.map((octet) => `0${octet.toString(8)}`).join('.'),
  'hexadecimal by octet': (octets) => octets.map((octet) => `0x${octet.toString(16)}`).join('.'),
  'two parts': ([a = 0, ...rest]) => `${a}.${number32(rest)}`,
  'three parts': ([a = 0, b = 0, ...rest]) => `${a}.${b}.${number32(rest)}`,
  'full width digits': (octets) =>
    octets.join('.').replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
  'percent-encoded': (octets) => octets.join('.').replace(/\d/g, (digit) => `%3${digit}`),
  mapped: (octets) => `[::ffff:${octets.join('.')}]`,
  'mapped in hexadecimal': (octets) => `[::ffff:${colons(octets)}]`,
  'mapped and written out': (octets) => `[0:0:0:0:0:ffff:${colons(octets)}]`,
  compatible: (octets) => `[::${octets.join('.')}]`,
  translated: (octets) => `[::ffff:0:${octets.join('.')}]`,
  NAT64: (octets) => `[64:ff9b::${octets.join('.')}]`,
  '6to4': (octets) => `[2002:${colons(octets)}::1]`,
  Teredo: (octets) => `[2001:0:4136:e378:8000:63bf:${colons(octets.map((octet) => octet ^ 0xff))}]`,
  ISATAP: (octets) => `[2600:1f18::5efe:${octets.join('.')}]`,
};

const host = (spelling: string): string => new URL(`http://${spelling}/`).hostname;

describe('addresses that a client may not reach', () => {
  it.each(Object.entries(spellings4))('are refused however they are written: %s', (_, spell) => {
    fc.assert(
      fc.property(bad4, (octets) => expect(hostRule(host(spell(octets)), [])).toBeDefined()),
      { numRuns: 500 },
    );
  });

  it('are refused in IPv6, in any letters and with any zeros left out', () => {
    fc.assert(
      fc.property(bad6, fc.boolean(), (octets, isUpper) => {
        const text = isUpper ? colons(octets).toUpperCase() : colons(octets);
        expect(hostRule(host(`[${text}]`), [])).toBeDefined();
        expect(addressRule(new ipaddr.IPv6(octets).toString(), [])).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['127.0.0.1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['169.254.169.254', 'linkLocal'],
    ['100.100.100.200', 'carrierGradeNat'],
    ['168.63.129.16', 'metadata'],
    ['::1', 'loopback'],
    ['::7f00:1', 'outside 2000::/3'],
    ['fd00:ec2::254', 'uniqueLocal'],
    ['fe80::1%eth0', 'linkLocal'],
    ['2600:1f18::5efe:7f00:1', 'isatap'],
    ['localhost', 'not an address'],
    ['', 'not an address'],
  ])('%j is refused by the rule %s', (address, rule) => expect(addressRule(address, [])).toBe(rule));
});

describe('addresses that a client may reach', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '93.184.216.34',
    '168.63.129.17',
    '::ffff:8.8.8.8',
    '2606:4700::1111',
    '2a00:5efe::1:1',
  ])('%s is public', (address) => expect(addressRule(address, [])).toBeUndefined());

  it('are those of the allowed networks, and no others', () => {
    const allowed = networks(['10.1.0.0/16', 'fd12::/16', '127.0.0.1/32']);
    const answers = ['10.1.255.255', '::ffff:10.1.0.1', 'fd12::1', '127.0.0.1'].map((each) =>
      addressRule(each, allowed),
    );
    expect(answers).toEqual([undefined, undefined, undefined, undefined]);
    expect(addressRule('10.2.0.0', allowed)).toBe('private');
    expect(addressRule('127.0.0.2', allowed)).toBe('loopback');
    expect(addressRule('fd13::1', allowed)).toBe('uniqueLocal');
    expect(addressRule('64:ff9b::10.1.0.1', allowed)).toEqual(expect.any(String));
  });

  it('are not decided by names, which are looked up when connecting', () => {
    expect(hostRule('push.example.com', [])).toBeUndefined();
    expect(hostRule('localhost', [])).toBeUndefined();
  });
});
