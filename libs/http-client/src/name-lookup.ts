import type { LookupAddress, RecordWithTtl } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { candidatesOf, hostsIn, searchRulesIn, WatchedFile } from './name-files';

/** The addresses of a name, in the order in which they are tried. */
export interface Found {
  readonly addresses: readonly LookupAddress[];
  /** How long the answer may be used, in ms. */
  readonly holdsMs: number;
}

/**
 * Finds the addresses of a name. If none is found, it rejects within a bounded time with an error that has a `code`.
 */
export type LookUp = (hostname: string) => Promise<Found>;

/** A name has no address, or no name server answered in time. */
export class NameError extends Error {
  override readonly name = 'NameError';

  constructor(readonly code: string) {
    super(`The name could not be looked up (${code}).`);
  }
}

export interface LookUpParts {
  readonly hostsFile?: string;
  readonly resolverFile?: string;
  /** Addresses of name servers, with a port if it is not 53. Default: those of the resolver file. */
  readonly servers?: readonly string[];
  /** Time-out of a look-up, including all names of the search list, in ms. */
  readonly giveUpMs?: number;
}

/** Times in ms. A server is asked at 0 s and at 1.5 s, so that an answer to the second question can arrive in time. */
const [firstTryMs, tries, defaultGiveUpMs] = [1500, 2, 5000] as const;

/**
 * How long a look-up waits for IPv6 addresses after it has IPv4 addresses (RFC 8305, 3), in ms; some name servers never
 * answer for IPv6.
 */
const secondFamilyMs = 50;

/** Bounds for the time to live of an answer, in ms. */
const [leastHoldsMs, mostHoldsMs] = [1000, 30_000] as const;

/** The maximum number of addresses of a name that are tried. A name may have thousands; to connect to all is a port scan. */
const maxAddresses = 16;

/** Codes for a name, or a kind of address, that does not exist. */
const absent: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/**
 * Returns a function that looks a name up in the hosts file, then at the name servers with the search list of the system,
 * as getaddrinfo does. It uses c-ares and no thread, so silent name servers delay nothing else; docs/adr/0018.
 */
export function nameServerLookUp({
  hostsFile = '/etc/hosts',
  resolverFile = '/etc/resolv.conf',
  servers,
  giveUpMs = defaultGiveUpMs,
}: LookUpParts = {}): LookUp {
  const hosts = new WatchedFile(hostsFile, hostsIn);
  const rules = new WatchedFile(resolverFile, searchRulesIn);
  return async (hostname) => {
    const now = performance.now();
    const name = hostname.toLowerCase().replace(/\.$/, '');
    const local = hosts.current(now).get(name) ?? loopback(name);
    if (local !== undefined) return { addresses: local.map(addressOf), holdsMs: leastHoldsMs };
    // Each look-up has a resolver of its own, so that it can be cancelled, uses its own source port, and reads the current
    // resolver file.
    const resolver = new Resolver({ timeout: firstTryMs, tries });
    if (servers !== undefined) resolver.setServers(servers);
    const timer = setTimeout(() => resolver.cancel(), giveUpMs);
    try {
      return await firstFound(resolver, candidatesOf(hostname.toLowerCase(), rules.current(now)));
    } finally {
      clearTimeout(timer);
      resolver.cancel();
    }
  };
}

async function firstFound(resolver: Resolver, candidates: readonly string[]): Promise<Found> {
  for (const [at, candidate] of candidates.entries()) {
    try {
      return await bothFamilies(resolver, candidate);
    } catch (error) {
      const code = codeOf(error);
      if (!absent.has(code) || at === candidates.length - 1) throw new NameError(code);
    }
  }
  throw new NameError('ENOTFOUND');
}

async function bothFamilies(resolver: Resolver, name: string): Promise<Found> {
  const six = recordsOf(resolver.resolve6(name, { ttl: true }));
  const late = six.catch((): RecordWithTtl[] => []);
  try {
    const four = await recordsOf(resolver.resolve4(name, { ttl: true }));
    return foundOf([...four, ...(await within(secondFamilyMs, late))]);
  } catch (error) {
    const found = await late;
    if (found.length > 0) return foundOf(found);
    // A time-out for one family is more relevant than the absence of the other.
    if (absent.has(codeOf(error))) await six;
    throw error;
  }
}

/** Returns the records. Rejects if there are none, because c-ares returns no error for an alias without an address. */
async function recordsOf(answer: Promise<RecordWithTtl[]>): Promise<RecordWithTtl[]> {
  const records = await answer;
  if (records.length === 0) throw new NameError('ENODATA');
  return records;
}

function foundOf(records: readonly RecordWithTtl[]): Found {
  const ttlMs = Math.min(...records.map(({ ttl }) => ttl)) * 1000;
  return {
    addresses: records.slice(0, maxAddresses).map(({ address }) => addressOf(address)),
    holdsMs: Math.max(leastHoldsMs, Math.min(ttlMs, mostHoldsMs)),
  };
}

function addressOf(address: string): LookupAddress {
  return { address, family: isIP(address) };
}

/** Loopback addresses for `localhost` and names below it, which need no name server (RFC 6761, 6.3). */
function loopback(name: string): string[] | undefined {
  return name === 'localhost' || name.endsWith('.localhost') ? ['127.0.0.1', '::1'] : undefined;
}

async function within(ms: number, records: Promise<RecordWithTtl[]>): Promise<RecordWithTtl[]> {
  let timer: NodeJS.Timeout | undefined;
  const none = new Promise<RecordWithTtl[]>((resolve) => (timer = setTimeout(resolve, ms, [])));
  return Promise.race([records, none]).finally(() => clearTimeout(timer));
}

/** Returns the code of an error. c-ares reports a look-up that we ended after the time-out as cancelled. */
function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return 'EUNKNOWN';
  return code === 'ECANCELLED' ? 'ETIMEOUT' : code;
}
