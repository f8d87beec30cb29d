export { startSocketNode } from './start-socket-node';
export type { SocketNodeOptions } from './socket-node.module';
