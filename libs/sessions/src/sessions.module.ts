import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { KeySpace, openRedis, type RedisClient } from '@pns/redis';
import { EndedSessions } from './ended-sessions';
import { SessionTokens } from './session-tokens';

interface SessionsModuleOptions {
  readonly redisUrl: string;
  /** The own secret, or the URL of an identity provider's keys. */
  readonly key: string | URL;
}

const redisToken = Symbol('the connection for session lookups');

/** Provides `SessionTokens`. It needs `QueueModule`, and opens a separate Redis connection that fails fast. */
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
        { provide: redisToken, useFactory: () => openRedis(redisUrl, { failFast: true }) },
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
