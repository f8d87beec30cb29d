import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import type { ConfigFault } from './config-faults';
import { ConfigFolder } from './config-folder';
import { fileContent, type FileContent } from './file-content';
import { noFolderReader, type FolderReader } from './folder-reader';

/**
 * The configuration folder as one app uses it. The apps of a process share its content and faults, so they must bring readers of
 * one kind. Emits `change` a moment after a file changed that is read or followed.
 */
export class ConfigDirectory<Content = unknown> extends EventEmitter<{ change: [] }> {
  private readonly folder: ConfigFolder;
  private readonly changed = (): void => void this.emit('change');
  private isClosed = false;

  /** @throws PnsError `CONFIG_INVALID` when `path` is no folder that can be read. */
  constructor(path: string, reader?: () => FolderReader<Content>) {
    super();
    this.setMaxListeners(0); // one for each option file
    this.folder = ConfigFolder.use(path, reader ?? (() => noFolderReader));
    this.folder.on('change', this.changed);
  }

  get path(): string {
    return this.folder.path;
  }

  /** What the reader made of the files that are no option files. */
  get content(): Content {
    return this.folder.content as Content;
  }

  /** What of all files in the folder is not obeyed, or may not be meant. */
  get faults(): readonly ConfigFault[] {
    return this.folder.faults.all;
  }

  /** Replaces the faults that were reported of an option file before, and logs those that are new. */
  report(file: string, faults: readonly ConfigFault[]): void {
    this.folder.faults.report(faults, file);
  }

  /** The content of a file in the folder; undefined when there is none. */
  read(file: string): FileContent | undefined {
    return fileContent(join(this.path, file));
  }

  /** Starts to watch; resolves when no change is missed any more. A burst of changes is one `change`. */
  watch(): Promise<void> {
    return this.folder.watch();
  }

  /** Watches a file too that lies elsewhere, or does not exist yet: an absolute path. */
  follow(path: string): void {
    this.folder.follow(path);
  }

  /** Its listeners hear of no more changes. The folder is let go of with the last app that uses it. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.removeAllListeners();
    this.folder.off('change', this.changed);
    this.folder.release();
  }
}
