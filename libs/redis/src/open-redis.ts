import { once } from 'node:events';
import { PnsError, waitForServer, type NeededServer } from '@pns/runtime';
import { clusterOf, connectRedis, type RedisClient } from './redis';

/** One try to connect may take this long before the wait counts it as failed, in ms; ioredis goes on meanwhile. */
const tryMs = 5000;

/** Answers of a Redis that does not let us in. */
const refusals = /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/;

/**
 * `connectRedis`, resolved when Redis answers. At the start of an app Redis is waited for; later on, the connection comes back by
 * itself.
 *
 * @throws PnsError `REDIS_UNREACHABLE` when it stays away, `REDIS_REFUSED` when it answers but does not let us in.
 */
export async function openRedis(
  url: string,
  { failFast = false, patienceMs }: { readonly failFast?: boolean; readonly patienceMs?: number } = {},
): Promise<RedisClient> {
  const redis = connectRedis(url, { failFast });
  const server: NeededServer = { name: 'Redis', where: placeOf(url), variable: 'REDIS_URL', isAway };
  let lastFault = new Error(`no answer within ${tryMs} ms`);
  let refuse: (error: Error) => void = () => undefined;
  const refused = new Promise<never>((_, reject) => (refuse = reject));
  refused.catch(() => undefined); // heard only while somebody waits for it
  const note = (error: Error & { readonly lastNodeError?: Error }): void => {
    lastFault = error.lastNodeError ?? error; // the latter of a cluster
    if (!refusals.test(lastFault.message)) return;
    const sentence = `Redis at ${server.where} refuses: ${lastFault.message} Correct REDIS_URL.`;
    refuse(new PnsError('REDIS_REFUSED', sentence, { cause: error }));
  };
  redis.on('error', note);
  try {
    await waitForServer(
      server,
      async () => {
        if (redis.status === 'ready') return;
        const ready = once(redis, 'ready', { signal: AbortSignal.timeout(tryMs) }).catch(() => {
          throw lastFault;
        });
        await Promise.race([ready, refused]);
      },
      patienceMs,
    );
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error;
  } finally {
    redis.off('error', note);
  }
}

const isAway = (error: unknown): boolean => !(error instanceof PnsError);

/** Host and port of a connection URL, of a cluster all of them: what a log may show. */
function placeOf(url: string): string {
  const cluster = clusterOf(url);
  return cluster === undefined ? new URL(url).host : cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(',');
}
