export { AggregationModule } from './aggregation.module';
export { Ingest } from './ingest.service';
export type { HandOver, Settling } from './tick-worker';
export { Windows, type Batch, type DueWindow, type JoinStatus, type Settled, type WindowCounts } from './windows';
