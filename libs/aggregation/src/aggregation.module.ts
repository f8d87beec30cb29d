import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { History, HistoryModule } from '@pns/history';
import { Queues } from '@pns/queue';
import { KeySpace, MemoryUse } from '@pns/redis';
import { Ingest } from './ingest.service';
import { TickWorker } from './tick-worker';
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

/** The aggregation stage: joins notifications into windows, and takes due windows in batches. */
@Module({})
export class AggregationModule {
  /** The module for a process that accepts notifications. */
  static ingesting(): DynamicModule {
    const ingest = {
      provide: Ingest,
      inject: [Windows, Ticks, ConfigCascade, KeySpace, MemoryUse, History],
      useFactory: (
        windows: Windows,
        ticks: Ticks,
        cascade: ConfigCascade,
        keys: KeySpace,
        memory: MemoryUse,
        history: History,
      ) => new Ingest(windows, ticks, cascade, keys, memory, history),
    };
    return {
      module: AggregationModule,
      imports: [HistoryModule],
      providers: [...parts, ingest],
      exports: [Ingest, Windows],
    };
  }

  /** The module for a process that runs ticks. The process must start the `TickWorker`. */
  static ticking(): DynamicModule {
    const tickWorker = {
      provide: TickWorker,
      inject: [Queues, Windows, Ticks, ConfigCascade, MemoryUse],
      useFactory: (queues: Queues, windows: Windows, ticks: Ticks, cascade: ConfigCascade, memory: MemoryUse) =>
        new TickWorker(queues, windows, ticks, cascade, memory),
    };
    return { module: AggregationModule, providers: [...parts, tickWorker], exports: [TickWorker, Windows] };
  }
}
