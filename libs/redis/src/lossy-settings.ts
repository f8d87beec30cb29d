import { Cluster, type Redis } from 'ioredis';
import type { RedisClient } from './redis';

/** Settings of a Redis server that decide which data it loses. An absent setting could not be read. */
interface DurabilitySettings {
  readonly appendonly?: string | undefined;
  readonly appendfsync?: string | undefined;
  readonly 'maxmemory-policy'?: string | undefined;
}

/** When settings lose data, and a sentence with the loss and the remedy. Source: redis.io, "Redis persistence", "Key eviction". */
const losses: readonly (readonly [
  loses: (settings: DurabilitySettings) => boolean,
  sentence: (settings: DurabilitySettings) => string,
])[] = [
  [
    ({ appendonly }) => appendonly === 'no',
    () =>
      'appendonly is no, so a restart of Redis loses accepted notifications; set appendonly yes and appendfsync always.',
  ],
  [
    ({ appendonly, appendfsync }) => appendonly === 'yes' && appendfsync === 'everysec',
    () =>
      'appendfsync is everysec, so a failure of the machine loses up to a second of accepted notifications; set appendfsync always.',
  ],
  [
    ({ appendonly, appendfsync }) => appendonly === 'yes' && appendfsync === 'no',
    () =>
      'appendfsync is no, so a failure of the machine loses up to half a minute of accepted notifications; set appendfsync always.',
  ],
  [
    ({ 'maxmemory-policy': policy = 'noeviction' }) => policy !== 'noeviction',
    ({ 'maxmemory-policy': policy = '' }) =>
      `maxmemory-policy is ${policy}, so a full Redis deletes accepted notifications; set maxmemory-policy noeviction.`,
  ],
];

/** One sentence for each setting with which Redis loses accepted notifications. */
export function lossesOf(settings: DurabilitySettings): string[] {
  return losses.filter(([loses]) => loses(settings)).map(([, sentence]) => sentence(settings));
}

/** Like `lossesOf`, for the settings of a Redis, or of all masters of a cluster. */
export async function lossySettings(redis: RedisClient): Promise<string[]> {
  const servers = redis instanceof Cluster ? redis.nodes('master') : [redis];
  const sentences = await Promise.all(servers.map(async (server) => lossesOf(await settingsOf(server))));
  return [...new Set(sentences.flat())];
}

/** Reads the settings with CONFIG, or two of them with INFO, because many hosted servers refuse CONFIG. */
async function settingsOf(server: Redis): Promise<DurabilitySettings> {
  try {
    // Each setting needs its own command, because Redis 6.2 accepts only one name at a time.
    const names = ['appendonly', 'appendfsync', 'maxmemory-policy'] as const;
    const pairs = await Promise.all(names.map((name) => server.config('GET', name) as Promise<[string, string]>));
    return Object.fromEntries(pairs);
  } catch {
    const info = await server.info();
    const [, hasFile] = /^aof_enabled:([01])/m.exec(info) ?? [];
    const [, policy] = /^maxmemory_policy:(\S+)/m.exec(info) ?? [];
    return {
      appendonly: hasFile === undefined ? undefined : hasFile === '1' ? 'yes' : 'no',
      'maxmemory-policy': policy,
    };
  }
}
