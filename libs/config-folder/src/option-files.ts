import { resolve } from 'node:path';
import type { z } from 'zod';
import type { ConfigFault } from './config-faults';
import type { ConfigDirectory } from './config-directory';
import { fileContent, plainBytes } from './file-content';
import { OptionEntries, type Conflicts, type OptionFault } from './option-entries';

/** Reads the YAML option files of the configuration folder and keeps them up to date. */
export class OptionFiles {
  constructor(private readonly directory: ConfigDirectory) {}

  /**
   * Reads the entries of `file`, now and after each change; a missing file has none. Faults are logged, and are in `faults` of the
   * result and of the folder.
   */
  entries<Options>(
    file: string,
    schema: z.ZodType<Readonly<Record<string, Options>>>,
    conflicts?: Conflicts<Options>,
  ): OptionEntries<Options> {
    const entries = new OptionEntries(file, () => this.directory.read(file), schema, conflicts);
    const read = (): void => {
      entries.read();
      this.directory.report(file, [
        ...entries.faults.map((fault) => configFault(fault, 'error')),
        ...entries.warnings.map((fault) => configFault(fault, 'warning')),
      ]);
    };
    this.directory.follow(resolve(this.directory.path, file));
    read();
    this.directory.on('change', read);
    return entries;
  }

  /**
   * The content of a file that an option names, without a byte order mark. A change of the file counts as a change of the folder. The
   * path is absolute or relative to the folder.
   *
   * @throws Error with the system's code.
   */
  readFile(path: string): Buffer {
    // For an empty path, `resolve` would return the folder itself.
    if (path.trim() === '') throw Object.assign(new Error('is empty'), { code: 'ENOENT' });
    const absolute = resolve(this.directory.path, path);
    this.directory.follow(absolute);
    const content = fileContent(absolute) ?? { fault: 'does not exist', code: 'ENOENT' };
    if ('fault' in content) throw Object.assign(new Error(content.fault), { code: content.code });
    return plainBytes(content.bytes);
  }
}

function configFault({ client, ...fault }: OptionFault, severity: ConfigFault['severity']): ConfigFault {
  return { ...fault, ...(client === undefined ? {} : { entry: client }), severity };
}
