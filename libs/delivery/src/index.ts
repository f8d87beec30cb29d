export { Checkpoint } from './checkpoint';
export { deliveryQueues, DeliveryModule, type TransportOptions } from './delivery.module';
export { eraseDeliveries } from './erase-deliveries';
export {
  endpointOf,
  enqueueDeliveries,
  enqueueDeliveriesFrom,
  type DeliveryGroup,
  type QueueRef,
} from './enqueue-deliveries';
export { retryFailed } from './retry-failed';
export { runTransportWorker, startTransportWorker } from './run-worker';
export { parkedNode, parkedToken, nodeOf, readParkedToken, type ParkedStep } from './socket-token';
export type { TransportParts, TransportWorker } from './transport-worker';
export { WorkerModule } from './worker.module';
