export { Backlog, maxBacklogBytes } from './websocket.backlog';
export { InboundLimit, inboundLimits } from './websocket.inbound';
export { connectionOf, missedEvent, sessionInvalidEvent, socketToken } from './websocket.payload';
export { LocalSocket, type LocalSocketOptions } from './websocket.socket';
export { LocalSockets } from './websocket.sockets';
export type { UnconfirmedLimits, Unreceived } from './websocket.unconfirmed';
export { WebsocketTransport, type HandOn } from './websocket.transport';
