import { type DynamicModule, Inject, Module, Optional } from '@nestjs/common';
import { Health } from '@pns/runtime';
import { KeySpace } from './key-space';
import { Queues } from './queues.service';
import { connectRedis } from './redis';

export interface QueueModuleOptions {
  readonly redisUrl: string;
  readonly shards: number;
  readonly prefix?: string;
  /** For a process that somebody waits for: while Redis is away, calls reject instead of waiting for it. */
  readonly failFast?: boolean;
}

/** Gives an app its queues and its place in Redis. */
@Module({})
export class QueueModule {
  constructor(@Inject(Queues) queues: Queues, @Optional() @Inject(Health) health?: Health) {
    health?.add('redis', () => queues.redis.ping());
  }

  static forRoot({ redisUrl, shards, prefix, failFast = false }: QueueModuleOptions): DynamicModule {
    return {
      module: QueueModule,
      global: true,
      providers: [
        { provide: KeySpace, useValue: new KeySpace(shards, prefix) },
        {
          provide: Queues,
          inject: [KeySpace],
          useFactory: (keys: KeySpace) => new Queues(connectRedis(redisUrl, { failFast }), keys),
        },
      ],
      exports: [KeySpace, Queues],
    };
  }
}
