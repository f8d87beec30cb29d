export { EndedSessions } from './ended-sessions';
export {
  defaultSessionTtlSeconds,
  isEndOf,
  maxSessionTtlSeconds,
  sessionIdSyntax,
  type Session,
  type SessionEnd,
  type SessionRequest,
} from './session';
export { SessionTokens } from './session-tokens';
export { SessionsModule } from './sessions.module';
