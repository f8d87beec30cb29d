export { SocketNodes, socketNodeGroup, type Beat } from './nodes';
export {
  awayMs,
  awayNode,
  awayToken,
  nodeOf,
  readAwayToken,
  Presence,
  type CloseOptions,
  type Kept,
  type Missed,
  type Opening,
  type SocketGroup,
  type SocketKey,
  type UserKey,
  type Whereabouts,
} from './presence';
export { PresenceModule } from './presence.module';
export {
  clientAt,
  clientWants,
  defaultWebsocketClients,
  websocketClientsSchema,
  type WebsocketClientOptions,
} from './websocket-clients';
export { WebsocketClients } from './websocket-clients.service';
