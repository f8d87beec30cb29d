import { once } from 'node:events';
import { PnsError, waitForServer, type NeededServer } from '@pns/runtime';
import { clusterOf, connectRedis, type RedisClient } from './redis';

/** A try to connect counts as failed after this time, in ms; ioredis continues to connect. */
const tryMs = 5000;

/** Errors of a Redis that refuses our credentials. */
const refusals = /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/;

/**
 * Connects with `connectRedis` and resolves when Redis answers, so that an app waits for Redis at its start. Later the
 * connection reconnects by itself.
 *
 * @throws PnsError `REDIS_UNREACHABLE` when Redis stays away, `REDIS_REFUSED` when it answers but refuses our credentials.
 */
export async function openRedis(
  url: string,
  { failFast = false, maxWaitMs }: { readonly failFast?: boolean; readonly maxWaitMs?: number } = {},
): Promise<RedisClient> {
  const redis = connectRedis(url, { failFast });
  const server: NeededServer = { name: 'Redis', where: placeOf(url), variable: 'REDIS_URL', isAway };
  let lastFault = new Error(`no answer within ${tryMs} ms`);
  let refuse: (error: Error) => void = () => undefined;
  const refused = new Promise<never>((_, reject) => (refuse = reject));
  refused.catch(() => undefined); // a rejection without a waiting caller must not be unhandled
  const note = (error: Error & { readonly lastNodeError?: Error }): void => {
    lastFault = error.lastNodeError ?? error; // a cluster reports the error of its last node
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
      maxWaitMs,
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

/** Host and port of a connection URL, without credentials; for a cluster the hosts and ports of all named nodes. */
function placeOf(url: string): string {
  const cluster = clusterOf(url);
  return cluster === undefined ? new URL(url).host : cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(',');
}
