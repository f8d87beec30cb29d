import { EventEmitter } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { log, PnsError } from '@pns/runtime';
import { firstFileRank, parseContextSets } from './context-set-files';
import type { ContextSet } from './context-sets';
import { parseProperties } from './properties-file';
import { propertySchema } from './properties';
import type { Scope } from './resolve';

/** The folder with `*.properties` and the option files. Emits `change` a moment after any file in it changed. */
export class ConfigDirectory extends EventEmitter<{ change: [] }> {
  private watcher: FSWatcher | undefined;

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
   * The server scope: every `*.properties` file, one after the other by name.
   *
   * @throws PnsError `CONFIG_INVALID` for a value that its property cannot hold.
   */
  serverScope(): Scope {
    const values = new Map<string, string>();
    const files = readdirSync(this.path).filter((file) => file.endsWith('.properties'));
    for (const file of files.sort()) {
      for (const [name, text] of parseProperties(this.read(file) ?? '')) {
        const fault = propertySchema(name)?.safeParse(text.trim()).error?.issues[0];
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

  /** Starts to watch. A burst of changes, such as a deploy or an editor's save, is one `change`. */
  watch(): void {
    let timer: NodeJS.Timeout | undefined;
    this.watcher = watch(this.path, { ignoreInitial: true, depth: 1 }).on('all', () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.emit('change'), 100);
    });
    this.watcher.on('error', (error) => log.error({ event: 'config.watch-failed', err: error }));
  }

  async close(): Promise<void> {
    this.removeAllListeners();
    await this.watcher?.close();
  }
}
