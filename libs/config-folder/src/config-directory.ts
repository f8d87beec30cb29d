import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import type { ConfigFault } from './config-faults';
import { ConfigFolder } from './config-folder';
import { fileContent, type FileContent } from './file-content';
import { noFolderReader, type FolderReader } from './folder-reader';

/**
 * The configuration folder as one app uses it. The apps of a process share its content and faults, so they must pass readers of the
 * same kind. Emits `change` shortly after a change of a file that is read or followed.
 */
export class ConfigDirectory<Content = unknown> extends EventEmitter<{ change: [] }> {
  private readonly folder: ConfigFolder;
  private readonly changed = (): void => void this.emit('change');
  private isClosed = false;

  /** @throws PnsError `CONFIG_INVALID` when `path` is not a readable folder. */
  constructor(path: string, reader?: () => FolderReader<Content>) {
    super();
    this.setMaxListeners(0); // there is one listener for each option file
    this.folder = ConfigFolder.use(path, reader ?? (() => noFolderReader));
    this.folder.on('change', this.changed);
  }

  get path(): string {
    return this.folder.path;
  }

  /** The content that the reader made from the files that are not option files. */
  get content(): Content {
    return this.folder.content as Content;
  }

  /** The faults and warnings of all files in the folder. */
  get faults(): readonly ConfigFault[] {
    return this.folder.faults.all;
  }

  /** Replaces the reported faults of an option file, and logs new faults. */
  report(file: string, faults: readonly ConfigFault[]): void {
    this.folder.faults.report(faults, file);
  }

  /** The content of a file in the folder; undefined when there is none. */
  read(file: string): FileContent | undefined {
    return fileContent(join(this.path, file));
  }

  /** Starts to watch; resolves when all later changes will be noticed. A burst of changes emits one `change`. */
  watch(): Promise<void> {
    return this.folder.watch();
  }

  /** Also watches the file at an absolute path, which may be outside the folder or not exist yet. */
  follow(path: string): void {
    this.folder.follow(path);
  }

  /** Removes all listeners. The folder is closed when the last app that uses it calls this. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.removeAllListeners();
    this.folder.off('change', this.changed);
    this.folder.release();
  }
}
