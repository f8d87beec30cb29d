export { AggregationModule } from './aggregation.module';
export { Ingest } from './ingest.service';
export { TickWorker, type OnBatch, type Settling } from './tick-worker';
export { Ticks } from './ticks';
export { Windows, type Batch, type JoinStatus, type Settled, type WindowCounts } from './windows';
