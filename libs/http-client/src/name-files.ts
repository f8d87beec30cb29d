import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';

/** The rules of `/etc/resolv.conf` for names without a trailing dot. */
interface SearchRules {
  readonly domains: readonly string[];
  /** A name with at least this number of dots is first looked up as is. */
  readonly ndots: number;
}

/**
 * The names of a search list are looked up one after the other, so the list is bounded; glibc had the same bound for
 * decades.
 */
const maxSearchDomains = 6;

/** The addresses of each name in a hosts file (hosts(5)), in the order of the file. Names are in lower case. */
export function hostsIn(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase().replace(/\.$/, '');
      hosts.set(key, [...(hosts.get(key) ?? []), address]);
    }
  }
  return hosts;
}

/** The search rules in a resolver configuration (resolv.conf(5)); its last `search` or `domain` line counts. */
export function searchRulesIn(text: string): SearchRules {
  let domains: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'search' || keyword === 'domain') domains = values.map((value) => value.replace(/\.$/, ''));
    const dots = keyword === 'options' ? values.map((value) => /^ndots:(\d+)$/.exec(value)?.[1]) : [];
    for (const count of dots) if (count !== undefined) ndots = Math.min(Number(count), 15);
  }
  return { domains: domains.filter((domain) => domain !== '').slice(0, maxSearchDomains), ndots };
}

/** The names to look up, one after the other, until one is found. */
export function candidatesOf(hostname: string, { domains, ndots }: SearchRules): string[] {
  if (hostname.endsWith('.')) return [hostname.slice(0, -1)];
  const completed = domains.map((domain) => `${hostname}.${domain}`);
  const dots = hostname.split('.').length - 1;
  return dots >= ndots ? [hostname, ...completed] : [...completed, hostname];
}

/** A file is checked for changes at most once in this time, in ms. */
const lookAgainMs = 1000;

/** The current content of a system file, read again after a change. A file that cannot be read counts as empty. */
export class WatchedFile<Content> {
  private content: Content | undefined;
  private version = '';
  private lookedAt = -Infinity;

  constructor(
    private readonly path: string,
    private readonly parse: (text: string) => Content,
  ) {}

  /** Returns the content. `now` is the current time on the clock of `performance.now()`. */
  current(now: number): Content {
    if (this.content !== undefined && now - this.lookedAt < lookAgainMs) return this.content;
    this.lookedAt = now;
    const version = versionOf(this.path);
    if (this.content === undefined || version !== this.version) this.content = this.parse(textOf(this.path));
    this.version = version;
    return this.content;
  }
}

/**
 * Returns a text that identifies the content of a file. Synchronous, because the call takes microseconds. An asynchronous call
 * would wait for the threads of the process, which may be busy.
 */
function versionOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? '' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
