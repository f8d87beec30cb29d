export { WebsocketClients } from './emit/websocket.clients';
export { Mailboxes, type Missed } from './mailbox/mailboxes';
export { SocketForwarding } from './mailbox/socket-forwarding';
export type { Opening } from './registry/socket-keys';
export { SocketNodes } from './registry/socket-nodes';
export { SocketRegistry, type SocketGroup } from './registry/socket-registry';
export { SocketsModule } from './sockets.module';
