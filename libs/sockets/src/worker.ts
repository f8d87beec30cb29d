export { startNode } from './start-socket-node';
export type { WorkerWebsocketOptions } from './socket-node.module';
