export { connectionOf, missedEvent, sessionInvalidEvent, socketToken } from './websocket.payload';
export { LocalSocket, maxBacklogBytes, type LocalSocketOptions } from './websocket.socket';
export { LocalSockets } from './websocket.sockets';
export { WebsocketTransport, type HandOn } from './websocket.transport';
