import type { ConfigFault } from './config-faults';
import type { FileContent } from './file-content';

/** A file of the configuration folder with its content. */
export interface NamedContent {
  /** Below the folder, with `/`. */
  readonly file: string;
  readonly content: FileContent;
}

/** The files of the configuration folder at one time. */
export interface FolderFiles {
  /** The names at the top, sorted; a folder's name ends with a slash. Undefined when the folder cannot be read. */
  readonly names: readonly string[] | undefined;
  /** The names in the reader's subfolder, sorted; none when there is no such folder, undefined when it cannot be read. */
  readonly namesBelow: readonly string[] | undefined;
  /** The contents of these files; a file that was deleted meanwhile is left out. */
  readonly contentsOf: (files: readonly string[]) => readonly NamedContent[];
}

/** What a reader made of the files. */
export interface FolderReading<Content> {
  readonly content: Content;
  /** The files that were read. */
  readonly files: readonly string[];
  readonly faults: readonly ConfigFault[];
}

/** Reads the files of a configuration folder that are no option files: one reader for each folder and process. */
export interface FolderReader<Content> {
  /** The content before the first reading. */
  readonly empty: Content;
  /** The folder below the configuration folder whose files are watched too. */
  readonly subfolder: string;
  /** Whether a change of this file at the top is a change of the content. */
  isWatched(name: string): boolean;
  /** The same for a file in the subfolder. */
  isWatchedBelow(name: string): boolean;
  /** Reads the files. Where something cannot be read, `previous` stays in effect. */
  read(files: FolderFiles, previous: Content): FolderReading<Content>;
}

/** For an app that reads option files only. */
export const noFolderReader: FolderReader<undefined> = {
  empty: undefined,
  subfolder: '',
  isWatched: () => false,
  isWatchedBelow: () => false,
  read: () => ({ content: undefined, files: [], faults: [] }),
};
