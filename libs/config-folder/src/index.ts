export {
  ClientOptions,
  type ClientOptionsFault,
  type ClientStanding,
  type FileSchema,
  type OptionsOf,
} from './client-options';
export { ClientOptionsModule } from './client-options.module';
export { ConfigDirectory } from './config-directory';
export type { ConfigFault } from './config-faults';
export { ConfigFolderModule } from './config-folder.module';
export { fileContent, fileText, maxFileBytes, type FileContent } from './file-content';
export type { FolderFiles, FolderReader, FolderReading, NamedContent } from './folder-reader';
export { optionsSentence, type OptionEntries, type OptionFault } from './option-entries';
export { OptionFiles } from './option-files';
export { parseProperties, type Assignment } from './properties-file';
export { ServerChanges } from './server-changes';
export { isPlainName, yamlEntries, type YamlDuplicate, type YamlEntry, type YamlFault } from './yaml-entries';
