import type { ConfigFault, FolderFiles, FolderReader, FolderReading } from '@pns/config-folder';
import type { FileScopes } from './config-cascade';
import { ContextSetFiles, type FileContextSet } from './context-set-files';
import { contextSetsFolder, isContextSetFile, isPropertiesFile, misplacedFileReason } from './folder-names';
import { ServerProperties } from './server-properties';

/** The content of the cascade's files. Each context set contains its file and line. */
export interface FolderScopes extends FileScopes {
  readonly sets: readonly FileContextSet[];
}

/** Reads the properties files and context sets of the configuration folder. */
export class CascadeFiles implements FolderReader<FolderScopes> {
  readonly empty: FolderScopes = { server: { name: 'server', values: new Map(), unknown: 'all' }, sets: [] };
  readonly subfolder = contextSetsFolder;
  private readonly properties = new ServerProperties();
  private readonly setFiles = new ContextSetFiles();

  /** Whether the content depends on this file. False for option files, because `OptionFiles` watches them. */
  isWatched(name: string): boolean {
    return (
      isPropertiesFile(name) ||
      name === contextSetsFolder ||
      misplacedFileReason(name) !== undefined ||
      misplacedFileReason(`${name}/`) !== undefined
    );
  }

  isWatchedBelow(name: string): boolean {
    return isContextSetFile(name);
  }

  read({ names, namesBelow, contentsOf }: FolderFiles, { server, sets }: FolderScopes): FolderReading<FolderScopes> {
    const propertiesFiles = names?.map((name) => name.replace(/\/$/, '')).filter(isPropertiesFile);
    const setFiles = namesBelow?.filter(isContextSetFile).map((name) => `${contextSetsFolder}/${name}`);
    const ofServer = propertiesFiles && this.properties.read(contentsOf(propertiesFiles));
    const ofSets = setFiles && this.setFiles.read(contentsOf(setFiles));
    const misplaced = (names ?? []).flatMap((name): ConfigFault[] => {
      const reason = misplacedFileReason(name);
      return reason === undefined ? [] : [{ file: name.replace(/\/$/, ''), severity: 'warning', reason }];
    });
    return {
      content: { server: ofServer?.scope ?? server, sets: ofSets?.sets ?? sets },
      files: [...(propertiesFiles ?? []), ...(setFiles ?? [])],
      faults: [...(ofServer?.faults ?? []), ...(ofSets?.faults ?? []), ...misplaced],
    };
  }
}
