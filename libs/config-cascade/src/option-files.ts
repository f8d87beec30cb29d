import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { log, PnsError } from '@pns/runtime';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ConfigDirectory } from './config-directory';

/** An option file as it stands now. */
export interface OptionFile<Options> {
  current(): Options;
}

/** Reads the YAML option files of the configuration folder and keeps them up to date. */
export class OptionFiles {
  constructor(private readonly directory: ConfigDirectory) {}

  /**
   * Reads `file` by `schema`; a file that is not there reads as an empty one. A later change that cannot be read is
   * logged and what held before goes on to hold.
   *
   * @throws PnsError `CONFIG_INVALID` with the place and the fault when the file cannot be read now.
   */
  load<Options>(file: string, schema: z.ZodType<Options>): OptionFile<Options> {
    let options = this.parse(file, schema);
    this.directory.on('change', () => {
      try {
        options = this.parse(file, schema);
      } catch (error) {
        log.error({ event: 'config.reload-refused', file, reason: (error as Error).message });
      }
    });
    return { current: () => options };
  }

  /** The content of a file that an option names; its path is absolute, or begins at the configuration folder. */
  readFile(path: string): Buffer {
    return readFileSync(resolve(this.directory.path, path));
  }

  private parse<Options>(file: string, schema: z.ZodType<Options>): Options {
    let content: unknown;
    try {
      content = parse(this.directory.read(file) ?? '') ?? {};
    } catch (cause) {
      throw new PnsError('CONFIG_INVALID', `${file} is not YAML: ${(cause as Error).message}`, { cause });
    }
    const parsed = schema.safeParse(content);
    if (parsed.success) return parsed.data;
    throw new PnsError('CONFIG_INVALID', `${file}: ${z.prettifyError(parsed.error)}`);
  }
}
