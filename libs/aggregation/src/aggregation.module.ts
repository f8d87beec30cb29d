import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { Queues } from '@pns/queue';
import { KeySpace, MemoryUse } from '@pns/redis';
import { Ingest } from './ingest.service';
import { TickWorker, type HandOver } from './tick-worker';
import { Ticks } from './ticks';
import { Windows } from './windows';

const parts = [
  {
    provide: Windows,
    inject: [Queues, KeySpace],
    useFactory: (queues: Queues, keys: KeySpace) => new Windows(queues.redis, keys),
  },
  { provide: Ticks, inject: [Queues], useFactory: (queues: Queues) => new Ticks(queues) },
];

/** What a process that dispatches hands its batches to. */
export interface HandOverOptions {
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly inject: readonly (abstract new (...args: never[]) => unknown)[];
  readonly useFactory: (...parts: never[]) => HandOver;
}

/** The aggregation stage: its door, where notifications come in, and its clock, which hands batches over. */
@Module({})
export class AggregationModule {
  /** For a process that takes notifications in. */
  static ingesting(): DynamicModule {
    const ingest = {
      provide: Ingest,
      inject: [Windows, Ticks, ConfigCascade, KeySpace, MemoryUse],
      useFactory: (windows: Windows, ticks: Ticks, cascade: ConfigCascade, keys: KeySpace, memory: MemoryUse) =>
        new Ingest(windows, ticks, cascade, keys, memory),
    };
    return { module: AggregationModule, providers: [...parts, ingest], exports: [Ingest, Windows] };
  }

  /** For a process that works on ticks. */
  static ticking({ imports, inject, useFactory }: HandOverOptions): DynamicModule {
    const handOver = Symbol('HandOver');
    return {
      module: AggregationModule,
      imports,
      providers: [
        ...parts,
        { provide: handOver, inject: [...inject], useFactory },
        {
          provide: TickWorker,
          inject: [Queues, Windows, Ticks, ConfigCascade, MemoryUse, handOver],
          useFactory: (
            queues: Queues,
            windows: Windows,
            ticks: Ticks,
            cascade: ConfigCascade,
            memory: MemoryUse,
            handler: HandOver,
          ) => new TickWorker(queues, windows, ticks, cascade, memory, handler),
        },
      ],
      exports: [Windows],
    };
  }
}
