import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Ledger } from './ledger';

const everyMs = 100;

/** Records in the ledger how long Redis takes for a write, until `signal` is aborted. Writes that fail are not recorded. */
export async function measureWrites(url: string, ledger: Ledger, signal: AbortSignal): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => everyMs });
  redis.on('error', () => undefined);
  signal.addEventListener('abort', () => redis.disconnect()); // ends a write to a Redis that does not answer
  while (!signal.aborted) {
    const from = Date.now();
    const isWritten = await redis.set('chaos:write', from).then(
      () => true,
      () => false,
    );
    if (isWritten) ledger.written(from, Date.now());
    await pause(everyMs);
  }
}
