import { type LookupAddress, type LookupOptions, promises } from 'node:dns';
import { LRUCache } from 'lru-cache';

/** All addresses of a name. Rejects with an error that has a `code` when there is none, or no name server answers. */
export type LookUp = (
  hostname: string,
  options: Pick<LookupOptions, 'family' | 'hints'>,
) => Promise<readonly LookupAddress[]>;

/** The system's way (getaddrinfo), which knows /etc/hosts and the search domains of /etc/resolv.conf. */
export const systemLookUp: LookUp = (hostname, options) => promises.lookup(hostname, { ...options, all: true });

/**
 * How long a failure is the answer for everybody who asks, in ms. Long enough for all the connections that a burst opens
 * one after another, and shorter than an endpoint is spared (2 s), so that no later attempt is decided by it.
 */
const failureMs = 1000;

/** So many names are remembered, some hundred bytes each; one beyond that is looked up once more, and nothing else. */
const maxNames = 10_000;

/**
 * Looks each name up once at a time: whoever asks meanwhile gets the same answer. libuv does two look-ups at a time, or half of
 * UV_THREADPOOL_SIZE, so that one name whose server is silent would hold up all others, were each connection to ask for itself.
 * An answer is not kept any longer: that is for the system's own cache, which knows how long it holds.
 */
export function sharedLookUp(lookUp: LookUp): LookUp {
  const known = new LRUCache<string, Promise<readonly LookupAddress[]>>({ max: maxNames });
  return (hostname, options) => {
    const key = `${hostname} ${options.family} ${options.hints}`;
    const underWay = known.get(key);
    if (underWay !== undefined) return underWay;
    const found = lookUp(hostname, options);
    // Unless it has made room for others meanwhile, and somebody has asked for it once more.
    const forget = (): void => void (known.peek(key) === found && known.delete(key));
    known.set(key, found);
    found.then(forget, () => setTimeout(forget, failureMs).unref());
    return found;
  };
}
