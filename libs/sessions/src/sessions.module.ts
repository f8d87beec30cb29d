import { once } from 'node:events';
import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { connectRedis, KeySpace, type RedisClient } from '@pns/queue';
import { EndedSessions } from './ended-sessions';
import { SessionTokens } from './session-tokens';

export interface SessionsModuleOptions {
  readonly redisUrl: string;
  /** Our secret, or where an identity provider publishes its keys. */
  readonly key: string | URL;
}

/** An app may start while Redis is away: after this time, in ms, it does, and each call rejects for itself. */
const openTimeoutMs = 5000;

const redisToken = Symbol('the connection that sessions are looked up with');

/** Gives an app `SessionTokens`. It needs `QueueModule`, and a Redis connection of its own that fails fast. */
@Module({})
export class SessionsModule implements OnApplicationShutdown {
  constructor(
    @Inject(redisToken) private readonly redis: RedisClient,
    private readonly ended: EndedSessions,
  ) {}

  static forRoot({ redisUrl, key }: SessionsModuleOptions): DynamicModule {
    return {
      module: SessionsModule,
      providers: [
        { provide: redisToken, useFactory: () => opened(connectRedis(redisUrl, { failFast: true })) },
        {
          provide: EndedSessions,
          inject: [redisToken, KeySpace],
          useFactory: (redis: RedisClient, keys: KeySpace) => new EndedSessions(redis, keys),
        },
        {
          provide: SessionTokens,
          inject: [EndedSessions],
          useFactory: (ended: EndedSessions) => new SessionTokens(key, ended),
        },
      ],
      exports: [SessionTokens],
    };
  }

  onApplicationShutdown(): void {
    this.ended.close();
    this.redis.disconnect();
  }
}

/** A connection that fails fast rejects whatever is asked before it is open. */
async function opened(redis: RedisClient): Promise<RedisClient> {
  await once(redis, 'ready', { signal: AbortSignal.timeout(openTimeoutMs) }).catch(() => undefined);
  return redis;
}
