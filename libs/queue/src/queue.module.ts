import { type DynamicModule, Inject, Module, type OnApplicationShutdown, Optional } from '@nestjs/common';
import {
  KeySpace,
  lossySettings,
  MemoryUse,
  memoryUses,
  openRedis,
  redisNearlyFullSentence,
  type RedisClient,
} from '@pns/redis';
import { log, PnsError } from '@pns/runtime';
import { Health } from '@pns/runtime/health';
import { Queues } from './queues.service';

interface QueueModuleOptions {
  readonly redisUrl: string;
  readonly shards: number;
  readonly prefix?: string;
  /** While Redis is away, calls reject instead of waiting; for a process that serves requests. */
  readonly failFast?: boolean;
  /** The app is not ready while Redis uses more than this part of its memory; default 1. */
  readonly mostUsedMemory?: number;
}

const mostUsedMemoryToken = Symbol('the part of the memory of Redis above which the app is not ready');

/** Provides the queues and the key space of an app. The app starts when Redis answers. */
@Module({})
export class QueueModule implements OnApplicationShutdown {
  constructor(
    @Inject(Queues) queues: Queues,
    @Inject(MemoryUse) private readonly memory: MemoryUse,
    @Inject(mostUsedMemoryToken) mostUsed: number,
    @Optional() @Inject(Health) health?: Health,
  ) {
    memoryUses.add(memory);
    health?.add('redis', async () => {
      await queues.redis.ping();
      const used = (await memory.usedPart()) ?? 0;
      if (used > mostUsed) throw new PnsError('REDIS_FULL', redisNearlyFullSentence(used, mostUsed));
    });
    health?.addWarnings(async () => (await lossySettings(queues.redis)).map((sentence) => `redis: ${sentence}`));
  }

  onApplicationShutdown(): void {
    memoryUses.delete(this.memory);
  }

  static forRoot(options: QueueModuleOptions): DynamicModule {
    const { redisUrl, shards, prefix, failFast = false, mostUsedMemory = 1 } = options;
    return {
      module: QueueModule,
      global: true,
      providers: [
        { provide: KeySpace, useValue: new KeySpace(shards, prefix) },
        {
          provide: Queues,
          inject: [KeySpace],
          useFactory: async (keys: KeySpace) => {
            const redis = await openRedis(redisUrl, { failFast });
            await logLosses(redis, redisUrl);
            return new Queues(redis, keys);
          },
        },
        { provide: MemoryUse, inject: [Queues], useFactory: ({ redis }: Queues) => new MemoryUse(redis) },
        { provide: mostUsedMemoryToken, useValue: mostUsedMemory },
      ],
      exports: [KeySpace, Queues, MemoryUse],
    };
  }
}

/** The URLs of servers whose settings were logged. The apps of a process share a server and log its settings once. */
const logged = new Set<string>();

async function logLosses(redis: RedisClient, url: string): Promise<void> {
  if (logged.has(url)) return;
  logged.add(url);
  // A failure is ignored, because another log line reports if Redis is lost again right after the connect.
  const sentences = await lossySettings(redis).catch(() => []);
  for (const reason of sentences) log.warn({ event: 'redis.lossy', reason });
}
