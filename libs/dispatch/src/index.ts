export { DispatchModule } from './dispatch.module';
export type { SocketTopics } from './socket-topics';
export type { TokenForms } from './token-forms';
