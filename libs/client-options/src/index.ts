export {
  ClientOptions,
  type ClientOptionsFault,
  type ClientStanding,
  type FileSchema,
  type OptionsOf,
} from './client-options';
export { ClientOptionsModule } from './client-options.module';
