export { DispatchModule } from './dispatch.module';
export type { TokenForms } from './token-forms';
