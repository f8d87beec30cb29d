import { EventEmitter } from 'node:events';
import { type BigIntStats, readdirSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { log, PnsError } from '@pns/runtime';
import type { FileScopes } from './config-cascade';
import { type ConfigFault, ConfigFaults } from './config-faults';
import { ContextSetFiles, type FileContextSet } from './context-set-files';
import { fileContent } from './file-content';
import { contextSetsFolder, isContextSetFile, isPropertiesFile, misplacedFileReason } from './folder-names';
import type { Scope } from './resolve';
import { type NamedContent, ServerProperties } from './server-properties';

/** How often it is looked whether a file changed, in ms: what it holds is obeyed within a second. */
const lookMs = 300;
/** A change is obeyed once nothing has changed for this time, in ms: a deploy or an editor's save has several steps. */
const settleMs = 100;
/** What never stops to change is obeyed after so many looks all the same. */
const maxLooks = 5;

/** What the files of the cascade say; the sets know where they stand. */
export interface FolderScopes extends FileScopes {
  readonly sets: readonly FileContextSet[];
}

const open = new Map<string, ConfigFolder>();

/**
 * A configuration folder as all apps of this process read it: once for all apps. Emits `change` after it was read
 * again. Files are looked at again and again, because notices of the file system miss mounts, links and network file systems.
 */
export class ConfigFolder extends EventEmitter<{ change: [] }> {
  readonly faults = new ConfigFaults();
  private readonly properties = new ServerProperties();
  private readonly setFiles = new ContextSetFiles();
  private current: FolderScopes = { server: { name: 'server', values: new Map() }, sets: [] };
  private users = 0;
  private watching: Promise<void> | undefined;
  private nextLook: NodeJS.Timeout | undefined;
  private isClosed = false;
  /** What told the content of each file from others when it was last looked at, by its path. */
  private marks = new Map<string, string>();
  /** The paths of files elsewhere that are watched, too. */
  private readonly followed = new Set<string>();

  constructor(readonly path: string) {
    super();
    this.setMaxListeners(0); // one for each app
    this.current = this.read();
  }

  /**
   * The folder at `path`, for one more user, who has to `release` it.
   *
   * @throws PnsError `CONFIG_INVALID` when there is no folder that can be read.
   */
  static use(path: string): ConfigFolder {
    const folder = open.get(resolve(path)) ?? opened(path);
    open.set(folder.path, folder);
    folder.users++;
    return folder;
  }

  release(): void {
    if (--this.users > 0) return;
    this.isClosed = true;
    clearTimeout(this.nextLook);
    open.delete(this.path);
    this.faults.close();
  }

  /** What the properties files and context sets say. */
  get scopes(): FolderScopes {
    return this.current;
  }

  /** Starts to watch, once; resolves when no change is missed any more. */
  watch(): Promise<void> {
    this.watching ??= this.startWatching();
    return this.watching;
  }

  /** Watches a file too that lies elsewhere, or does not exist yet: an absolute path. */
  follow(path: string): void {
    if (this.followed.has(path)) return;
    this.followed.add(path);
    this.marks.set(path, markNow(path));
  }

  private async startWatching(): Promise<void> {
    this.takeOver(await this.marksNow());
    this.current = this.read(); // what changed since it was opened
    this.lookLater();
  }

  private lookLater(): void {
    if (this.isClosed) return;
    const look = async (): Promise<void> => {
      await this.look().catch((error: unknown) => log.error({ event: 'config.watch-failed', err: error }));
      this.lookLater();
    };
    this.nextLook = setTimeout(() => void look(), lookMs).unref();
  }

  private async look(): Promise<void> {
    let marks = await this.marksNow();
    if (!this.isChanged(this.marks, marks)) return;
    for (let looks = 1; looks < maxLooks; looks++) {
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

  /** What began to be followed between two looks has not changed by that. */
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
    const [names, setNames] = await Promise.all([
      readdir(this.path).catch(() => []),
      readdir(join(this.path, contextSetsFolder)).catch(() => []),
    ]);
    const paths = [
      ...names.filter((name) => isOurs(name)).map((name) => join(this.path, name)),
      ...setNames.filter(isContextSetFile).map((name) => join(this.path, contextSetsFolder, name)),
      ...this.followed,
    ];
    const marks = paths.map(async (path) => [path, markOf(await stat(path, exactly).catch(() => undefined))] as const);
    return new Map(await Promise.all(marks));
  }

  /** What cannot be read leaves in effect what was read before. */
  private read(): FolderScopes {
    const faults: ConfigFault[] = [];
    const names = namesIn(this.path, '.', faults);
    const setNames = names?.includes(contextSetsFolder)
      ? namesIn(join(this.path, contextSetsFolder), contextSetsFolder, faults)
      : names && [];
    const propertiesFiles = names?.filter(isPropertiesFile);
    const setFiles = setNames?.filter(isContextSetFile).map((name) => `${contextSetsFolder}/${name}`);
    const { server, sets } = this.current;
    const read = {
      server: propertiesFiles === undefined ? server : this.serverScope(propertiesFiles, faults),
      sets: setFiles === undefined ? sets : this.contextSets(setFiles, faults),
    };
    for (const name of names ?? []) {
      const reason = misplacedFileReason(isFolder(join(this.path, name)) ? `${name}/` : name);
      if (reason !== undefined) faults.push({ file: name, severity: 'warning', reason });
    }
    this.faults.files = [...(propertiesFiles ?? []), ...(setFiles ?? [])];
    this.faults.report(faults);
    return read;
  }

  private serverScope(files: readonly string[], faults: ConfigFault[]): Scope {
    const { scope, faults: found } = this.properties.read(this.contentsOf(files));
    faults.push(...found);
    return scope;
  }

  private contextSets(files: readonly string[], faults: ConfigFault[]): readonly FileContextSet[] {
    const { sets, faults: found } = this.setFiles.read(this.contentsOf(files));
    faults.push(...found);
    return sets;
  }

  private contentsOf(files: readonly string[]): NamedContent[] {
    return files.flatMap((file) => {
      const content = fileContent(join(this.path, file));
      return content === undefined ? [] : [{ file, content }];
    });
  }
}

function opened(path: string): ConfigFolder {
  try {
    readdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what =
      code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is no folder' : `cannot be read (${code})`;
    throw new PnsError(
      'CONFIG_INVALID',
      `PNS_CONFIG_DIR names ${path}, which ${what}; create it or name another folder.`,
    );
  }
  return new ConfigFolder(resolve(path));
}

/** Sorted; undefined for a folder that cannot be read. */
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

/** Whether a name at the top of the folder means something to the cascade; option files are followed by who reads them. */
function isOurs(name: string): boolean {
  return (
    isPropertiesFile(name) ||
    name === contextSetsFolder ||
    misplacedFileReason(name) !== undefined ||
    misplacedFileReason(`${name}/`) !== undefined
  );
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

/** Another one for each content that a file had, and for none. */
function markOf(stats: BigIntStats | undefined): string {
  return stats === undefined ? '' : [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ');
}
