import type { ConfigFault } from './config-faults';
import type { FileContent } from './file-content';

/** A file of the configuration folder with its content. */
export interface NamedContent {
  /** The path relative to the folder, with `/`. */
  readonly file: string;
  readonly content: FileContent;
}

/** The files of the configuration folder at one moment. */
export interface FolderFiles {
  /** The names at the top, sorted; a folder's name ends with a slash. Undefined when the folder cannot be read. */
  readonly names: readonly string[] | undefined;
  /** The names in the reader's subfolder, sorted; empty when there is no such folder, undefined when it cannot be read. */
  readonly namesBelow: readonly string[] | undefined;
  /** The contents of these files, without files that were deleted meanwhile. */
  readonly contentsOf: (files: readonly string[]) => readonly NamedContent[];
}

/** The result of a reader. */
export interface FolderReading<Content> {
  readonly content: Content;
  /** The files that were read. */
  readonly files: readonly string[];
  readonly faults: readonly ConfigFault[];
}

/** Reads the files of a configuration folder that are not option files. There is one reader for each folder and process. */
export interface FolderReader<Content> {
  /** The content before the first reading. */
  readonly empty: Content;
  /** The subfolder whose files are watched too. */
  readonly subfolder: string;
  /** Whether the content depends on this file at the top of the folder. */
  isWatched(name: string): boolean;
  /** Whether the content depends on this file in the subfolder. */
  isWatchedBelow(name: string): boolean;
  /** Reads the files. For unreadable parts, `previous` stays in effect. */
  read(files: FolderFiles, previous: Content): FolderReading<Content>;
}

/** The reader of an app that reads only option files. */
export const noFolderReader: FolderReader<undefined> = {
  empty: undefined,
  subfolder: '',
  isWatched: () => false,
  isWatchedBelow: () => false,
  read: () => ({ content: undefined, files: [], faults: [] }),
};
