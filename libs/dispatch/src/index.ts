export { DispatchModule } from './dispatch.module';
export { Dispatch } from './dispatch.service';
export type { SocketTopics } from './socket-topics';
export type { TokenForms } from './token-forms';
