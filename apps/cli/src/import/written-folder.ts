import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { UsageError } from '../env';
import type { WrittenProperty } from './properties';

const header = '# Written by pns import ox from a configuration folder of the original.\n';

/** The text of `pns.properties`, which Java reads in the same way. */
export function propertiesText(properties: readonly WrittenProperty[]): string {
  const assignments = properties.map(({ name, text, file, line }) => {
    const origin = `${file}:${line}`.replace(/[^ -~]/g, '?');
    return `# ${origin}\n${escaped(name, /[\s=:\\#!]/)}=${escaped(text, /[\\]|^\s/)}\n`;
  });
  return [header, ...assignments].join('\n');
}

/** Escapes `text` to ASCII, which is the same in each encoding that Java and PNS read. */
function escaped(text: string, special: RegExp): string {
  return text
    .split('')
    .map((unit, index) => {
      if (!/[ -~]/.test(unit)) return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
      return special.test(index === 0 ? unit : `.${unit}`) ? `\\${unit}` : unit;
    })
    .join('');
}

/** The text of an option file or of a file of context sets. */
export function yamlText(entries: ReadonlyMap<string, ReadonlyMap<string, unknown>>): string {
  // A text in quotes has the same value in all versions of YAML.
  return `${header}\n${stringify(entries, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 })}`;
}

/**
 * Writes files into a new folder, or into an empty one. Only their owner can read them, because they contain secrets.
 *
 * @throws UsageError if there is no name, if the folder is not empty, or if it cannot be written
 */
export function writeFolder(path: string, files: ReadonlyMap<string, string | Buffer>): void {
  if (path === '') throw new UsageError('--write has no folder; name one that does not exist yet.');
  written(path, () => mkdirSync(path, { recursive: true, mode: 0o700 }));
  if (written(path, () => readdirSync(path)).length > 0)
    throw new UsageError(`${path} is not empty; name a folder that does not exist yet.`);
  for (const [file, content] of files) {
    const target = join(path, file);
    written(target, () => mkdirSync(dirname(target), { recursive: true, mode: 0o700 }));
    written(target, () => writeFileSync(target, content, { mode: 0o600, flag: 'wx' }));
  }
}

/** Runs `write`. An error of the system becomes a sentence about `path`. */
function written<Result>(path: string, write: () => Result): Result {
  try {
    return write();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'EEXIST' || code === 'ENOTDIR' ? 'is not a folder' : `cannot be written (${code})`;
    throw new UsageError(`${path} ${reason}.`);
  }
}
