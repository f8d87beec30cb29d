export { AggregationModule } from './aggregation.module';
export { Ingest, type IngestStatus } from './ingest.service';
export type { Notification, StoredNotification } from './notification';
export type { HandOver } from './tick-worker';
export { Windows, type Batch, type DueWindow, type WindowCounts } from './windows';
