export { awayMs, awayNode, awayToken, knownMs, nodeOf, readAwayToken, type AwayStep } from './away-token';
export {
  Mailboxes,
  type Collected,
  type Homeless,
  type MailboxLimits,
  type Missed,
  type Whereabouts,
} from './mailboxes';
export { SocketNodes, socketNodeGroup, type Beat } from './nodes';
export { Presence, type Kept, type Opened, type SocketGroup } from './presence';
export { PresenceModule } from './presence.module';
export type { Opening, SocketKey } from './socket-keys';
