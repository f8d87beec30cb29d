export { WebsocketClients } from './emit/websocket-clients.service';
export { Mailboxes, type Collected, type UnplacedDelivery, type MailboxLimits, type Missed } from './mailbox/mailboxes';
export { SocketForwarding } from './mailbox/socket-forwarding';
export type { Opening, UserKey } from './registry/socket-keys';
export { SocketNodes } from './registry/socket-nodes';
export { Presence, type SocketGroup } from './registry/socket-registry';
export { SocketsModule } from './sockets.module';
