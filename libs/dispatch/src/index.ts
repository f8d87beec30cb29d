export { DispatchModule } from './dispatch.module';
export { Dispatch } from './dispatch.service';
export type { TokenForms } from './token-forms';
