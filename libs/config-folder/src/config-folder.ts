import { EventEmitter } from 'node:events';
import { type BigIntStats, readdirSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { log, PnsError } from '@pns/runtime';
import { type ConfigFault, ConfigFaults } from './config-faults';
import { fileContent } from './file-content';
import type { FolderReader, NamedContent } from './folder-reader';

/** Time between two checks of the files for changes, in ms. A change takes effect within a second. */
const pollMs = 300;
/** The files are read when none has changed for this time, in ms, because a deployment or an editor writes in several steps. */
const settleMs = 100;
/** If changes do not stop, the files are read after this many checks. */
const maxPolls = 5;

const open = new Map<string, ConfigFolder>();

/**
 * A configuration folder, read once for all apps of this process. Emits `change` after each further reading. The files are polled,
 * because file system events do not cover mounts, links and network file systems.
 */
export class ConfigFolder extends EventEmitter<{ change: [] }> {
  readonly faults = new ConfigFaults();
  private current: unknown;
  private users = 0;
  private watching: Promise<void> | undefined;
  private nextPoll: NodeJS.Timeout | undefined;
  private isClosed = false;
  /** The mark of each file at the last check, by path. A changed mark means changed content. */
  private marks = new Map<string, string>();
  /** The paths of further files that are watched. */
  private readonly followed = new Set<string>();

  constructor(
    readonly path: string,
    private readonly reader: FolderReader<unknown>,
  ) {
    super();
    this.setMaxListeners(0); // there is one listener for each app
    this.current = reader.empty;
    this.current = this.read();
  }

  /**
   * The folder at `path`. Each caller must `release` it. `reader` is called only if the folder is not open yet.
   *
   * @throws PnsError `CONFIG_INVALID` when `path` is not a readable folder.
   */
  static use(path: string, reader: () => FolderReader<unknown>): ConfigFolder {
    const folder = open.get(resolve(path)) ?? opened(path, reader);
    open.set(folder.path, folder);
    folder.users++;
    return folder;
  }

  release(): void {
    if (--this.users > 0) return;
    this.isClosed = true;
    clearTimeout(this.nextPoll);
    open.delete(this.path);
    this.faults.close();
  }

  /** The content that the reader made from the files. */
  get content(): unknown {
    return this.current;
  }

  /** Starts to watch, once; resolves when all later changes will be noticed. */
  watch(): Promise<void> {
    this.watching ??= this.startWatching();
    return this.watching;
  }

  /** Also watches the file at an absolute path, which may be outside the folder or not exist yet. */
  follow(path: string): void {
    if (this.followed.has(path)) return;
    this.followed.add(path);
    this.marks.set(path, markNow(path));
  }

  private async startWatching(): Promise<void> {
    this.takeOver(await this.marksNow());
    this.current = this.read(); // files may have changed since the folder was opened
    this.pollLater();
  }

  private pollLater(): void {
    if (this.isClosed) return;
    const poll = async (): Promise<void> => {
      await this.poll().catch((error: unknown) => log.error({ event: 'config.watch-failed', err: error }));
      this.pollLater();
    };
    this.nextPoll = setTimeout(() => void poll(), pollMs).unref();
  }

  private async poll(): Promise<void> {
    let marks = await this.marksNow();
    if (!this.isChanged(this.marks, marks)) return;
    for (let polls = 1; polls < maxPolls; polls++) {
      await new Promise((done) => setTimeout(done, settleMs).unref());
      const later = await this.marksNow();
      if (!this.isChanged(marks, later)) break;
      marks = later;
    }
    if (this.isClosed) return;
    this.takeOver(marks);
    this.current = this.read();
    this.emit('change');
    const { all } = this.faults;
    const errors = all.filter(({ severity }) => severity === 'error').length;
    log.info({ event: 'config.reloaded', errors, warnings: all.length - errors });
  }

  /** Whether any file changed between two checks. A file that was first followed between them does not count. */
  private isChanged(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): boolean {
    return (
      [...now].some(([path, mark]) => before.get(path) !== mark && (before.has(path) || !this.followed.has(path))) ||
      [...before.keys()].some((path) => !now.has(path) && !this.followed.has(path))
    );
  }

  private takeOver(marks: ReadonlyMap<string, string>): void {
    const missed = [...this.marks].filter(([path]) => this.followed.has(path) && !marks.has(path));
    this.marks = new Map([...marks, ...missed]);
  }

  private async marksNow(): Promise<ReadonlyMap<string, string>> {
    const [names, namesBelow] = await Promise.all([
      readdir(this.path).catch(() => []),
      readdir(join(this.path, this.reader.subfolder)).catch(() => []),
    ]);
    const paths = [
      ...names.filter((name) => this.reader.isWatched(name)).map((name) => join(this.path, name)),
      ...namesBelow
        .filter((name) => this.reader.isWatchedBelow(name))
        .map((name) => join(this.path, this.reader.subfolder, name)),
      ...this.followed,
    ];
    const marks = paths.map(async (path) => [path, markOf(await stat(path, exactly).catch(() => undefined))] as const);
    return new Map(await Promise.all(marks));
  }

  private read(): unknown {
    const unreadable: ConfigFault[] = [];
    const { subfolder } = this.reader;
    const names = namesIn(this.path, '.', unreadable);
    const hasSubfolder = names?.includes(subfolder) === true;
    const namesBelow = hasSubfolder ? namesIn(join(this.path, subfolder), subfolder, unreadable) : names && [];
    const { content, files, faults } = this.reader.read(
      {
        names: names?.map((name) => (isFolder(join(this.path, name)) ? `${name}/` : name)),
        namesBelow,
        contentsOf: (asked) => this.contentsOf(asked),
      },
      this.current,
    );
    this.faults.files = files;
    this.faults.report([...unreadable, ...faults]);
    return content;
  }

  private contentsOf(files: readonly string[]): NamedContent[] {
    return files.flatMap((file) => {
      const content = fileContent(join(this.path, file));
      return content === undefined ? [] : [{ file, content }];
    });
  }
}

function opened(path: string, reader: () => FolderReader<unknown>): ConfigFolder {
  try {
    readdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what =
      code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is not a folder' : `cannot be read (${code})`;
    throw new PnsError(
      'CONFIG_INVALID',
      `PNS_CONFIG_DIR names ${path}, which ${what}; create it or name another folder.`,
    );
  }
  return new ConfigFolder(resolve(path), reader());
}

/** The sorted names in a folder. If it cannot be read, adds a fault and returns undefined. */
function namesIn(path: string, file: string, faults: ConfigFault[]): string[] | undefined {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOTDIR' ? 'must be a folder' : `cannot be read (${code})`;
    faults.push({ file, severity: 'error', reason });
    return undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

const exactly = { bigint: true } as const;

function markNow(path: string): string {
  try {
    return markOf(statSync(path, exactly));
  } catch {
    return markOf(undefined);
  }
}

/** A text that changes whenever the content of a file changes; empty without a file. */
function markOf(stats: BigIntStats | undefined): string {
  return stats === undefined ? '' : [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
}
