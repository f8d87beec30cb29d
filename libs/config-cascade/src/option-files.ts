import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { log, PnsError } from '@pns/runtime';
import { z } from 'zod';
import type { ConfigDirectory } from './config-directory';
import { OptionEntries } from './option-entries';
import { yamlContent } from './yaml-content';

/** An option file as it stands now. */
export interface OptionFile<Options> {
  current(): Options;
}

/** The names of log lines about what cannot be read at start, and later. */
const [atStart, atReload] = ['config.entry-refused', 'config.reload-refused'];

/** Reads the YAML option files of the configuration folder and keeps them up to date. */
export class OptionFiles {
  constructor(private readonly directory: ConfigDirectory) {}

  /**
   * Reads `file` as a whole by `schema`; a file that is not there reads as an empty one. A later change that cannot be read
   * is logged and what held before goes on to hold.
   *
   * @throws PnsError `CONFIG_INVALID` with the place and the fault when the file cannot be read now.
   */
  load<Options>(file: string, schema: z.ZodType<Options>): OptionFile<Options> {
    const read = (): Options => {
      const parsed = schema.safeParse(this.content(file));
      if (parsed.success) return parsed.data;
      throw new PnsError('CONFIG_INVALID', `${file}: ${z.prettifyError(parsed.error)}`);
    };
    let options = read();
    this.directory.on('change', () => {
      try {
        options = read();
      } catch (error) {
        log.error({ event: atReload, file, reason: (error as Error).message });
      }
    });
    return { current: () => options };
  }

  /**
   * Reads `file` entry by entry, now and after each change; a file that is not there has none. What cannot be read is
   * logged and among the `faults` of what is answered, also where that is the whole file.
   */
  entries<Options>(file: string, schema: z.ZodType<Readonly<Record<string, Options>>>): OptionEntries<Options> {
    const entries = new OptionEntries(file, () => this.content(file), schema);
    entries.read(atStart);
    this.directory.on('change', () => entries.read(atReload));
    return entries;
  }

  /**
   * The content of a file that an option names, and a word when that changes; its path is absolute, or begins at the
   * configuration folder.
   */
  readFile(path: string): Buffer {
    const absolute = resolve(this.directory.path, path);
    this.directory.follow(absolute);
    return readFileSync(absolute);
  }

  private content(file: string): unknown {
    return yamlContent(file, this.directory.read(file) ?? '') ?? {};
  }
}
