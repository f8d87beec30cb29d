export { Checkpoint } from './checkpoint';
export { DeliveryModule } from './delivery.module';
export { DeliveryWorker } from './delivery-worker';
export type { DeliveryWorkerOptions } from './delivery-worker-options';
export { eraseDeliveries } from './erase-deliveries';
export { enqueueDeliveries, enqueueDeliveriesFrom, type EnqueueOptions } from './enqueue-deliveries';
export { PausedClients } from './paused-clients';
export { retryFailed } from './retry-failed';
export {
  allDeliveryQueues,
  groupedByRoute,
  nodeQueue,
  routeOf,
  shardQueues,
  type DeliveryGroup,
  type QueueRef,
} from './routing';
export { runTransportWorker, startTransportWorker } from './run-worker';
export { nodeOf, parkedNode, socketTargetOf, withTarget } from './socket-target';
export type { TransportWorker } from './transport-worker';
export { WorkerModule } from './worker.module';
