import { EventEmitter } from 'node:events';
import { type BigIntStats, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { log, PnsError } from '@pns/runtime';
import { firstFileRank, parseContextSets } from './context-set-files';
import type { ContextSet } from './context-sets';
import { parseProperties } from './properties-file';
import { knownProperty } from './properties';
import { nearestProperty } from './property-check';
import type { Scope } from './resolve';

/** How often it is looked whether a followed file changed, in ms: what it holds is to be obeyed within a second. */
const lookMs = 500;

/** The folder with `*.properties` and the option files. Emits `change` a moment after any file in it changed. */
export class ConfigDirectory extends EventEmitter<{ change: [] }> {
  private watcher: FSWatcher | undefined;
  private isClosed = false;
  private timer: NodeJS.Timeout | undefined;
  private nextLook: NodeJS.Timeout | undefined;
  /** Files elsewhere, with what told them from others when they were last looked at. */
  private readonly followed = new Map<string, string>();

  constructor(readonly path: string) {
    super();
    if (!existsSync(path)) {
      throw new PnsError(
        'CONFIG_INVALID',
        `PNS_CONFIG_DIR names ${path}, which does not exist; create it or name another folder.`,
      );
    }
  }

  /** The text of a file, or undefined when there is none. */
  read(file: string): string | undefined {
    const path = join(this.path, file);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  /**
   * The server scope: every `*.properties` file, one after the other by name. The log tells of names that look like ours and
   * are not: they change nothing.
   *
   * @throws PnsError `CONFIG_INVALID` for a value that its property cannot hold.
   */
  serverScope(): Scope {
    const values = new Map<string, string>();
    const files = readdirSync(this.path).filter((file) => file.endsWith('.properties'));
    for (const file of files.sort()) {
      for (const [name, text] of parseProperties(this.read(file) ?? '')) {
        const property = knownProperty(name);
        if (property === undefined) tellUnknown(file, name);
        const fault = property?.schema.safeParse(text.trim()).error?.issues[0];
        if (fault !== undefined) throw new PnsError('CONFIG_INVALID', `${file}: ${name}=${text}: ${fault.message}.`);
        values.set(name, text.trim());
      }
    }
    return { name: 'server', id: '*.properties', values };
  }

  /**
   * The context sets of `contextSets/*.yml`, one file after the other by name, in the order in which they are tried.
   *
   * @throws PnsError `CONFIG_INVALID` for what cannot be read.
   */
  contextSets(): ContextSet[] {
    const folder = 'contextSets';
    if (!existsSync(join(this.path, folder))) return [];
    const files = readdirSync(join(this.path, folder)).filter((file) => /\.ya?ml$/.test(file));
    return files
      .sort()
      .map((file) => join(folder, file))
      .flatMap((file) => parseContextSets(file, this.read(file) ?? ''))
      .map((set, index) => ({ ...set, rank: firstFileRank + index }));
  }

  /**
   * Starts to watch; resolves once nothing is missed any more. A burst of changes, such as a deploy or an editor's save, is
   * one `change`.
   */
  watch(): Promise<void> {
    const watcher = watch(this.path, { ignoreInitial: true, depth: 1 }).on('all', () => this.touched());
    watcher.on('error', (error) => log.error({ event: 'config.watch-failed', err: error }));
    this.watcher = watcher;
    this.lookLater();
    return new Promise((resolve) => watcher.once('ready', resolve).once('error', () => resolve()));
  }

  /**
   * Watches a file too that lies elsewhere, or is not there yet: an absolute path. By looking again and again, which sees what
   * notices of the file system miss: a mount, a link that leads elsewhere. Until the folder is closed.
   */
  follow(path: string): void {
    if (!this.followed.has(path)) this.followed.set(path, markNow(path));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.removeAllListeners();
    clearTimeout(this.timer);
    clearTimeout(this.nextLook);
    await this.watcher?.close();
  }

  private lookLater(): void {
    if (this.isClosed) return;
    this.nextLook = setTimeout(() => void this.look().finally(() => this.lookLater()), lookMs).unref();
  }

  private async look(): Promise<void> {
    for (const [path, before] of this.followed) {
      const now = markOf(await stat(path, exactly).catch(() => undefined));
      if (now === before) continue;
      this.followed.set(path, now);
      this.touched();
    }
  }

  private touched(): void {
    if (this.isClosed) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.emit('change'), 100);
  }
}

/** The names that PNS shares with the original, among which one that it does not know is probably misspelt. */
const ourNames = /^com\.openexchange\.(?:pns|webhooks|websockets)\./;

function tellUnknown(file: string, name: string): void {
  if (!ourNames.test(name)) return;
  log.warn({ event: 'config.property-unknown', file, property: name, nearest: nearestProperty(name) });
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
  return stats === undefined ? '' : [stats.dev, stats.ino, stats.size, stats.ctimeNs].join(' ');
}
