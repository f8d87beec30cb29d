import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, join, posix, relative, resolve, sep } from 'node:path';
import { fileContent, type FileContent } from '@pns/config-folder';
import { UsageError } from '../env';

/** A file of the original's configuration folder. */
export interface OriginalFile {
  /** Relative to the folder, with `/`. */
  readonly file: string;
  readonly content: FileContent;
}

/** Where the packages of the original put the folder. Its options name files by this path, also in a copy of the folder. */
const installedPath = /^\/opt\/open-xchange\/etc\//;

/** The configuration folder of the original, read only. */
export class OriginalFolder {
  readonly files: readonly OriginalFile[];

  /** @throws UsageError if `path` is not a readable folder */
  constructor(private readonly path: string) {
    this.files = filesBelow(resolve(path), '', new Set()).sort((a, b) => (a.file < b.file ? -1 : 1));
  }

  /** The file that an option names by its path, in the folder or elsewhere on this machine; undefined if there is none. */
  named(path: string): NamedFile | undefined {
    if (path.trim() === '') return undefined;
    for (const candidate of [path.replace(installedPath, ''), path, basename(path)]) {
      const absolute = resolve(this.path, candidate);
      const content = fileContent(absolute);
      if (content === undefined || 'fault' in content) continue;
      const file = relative(resolve(this.path), absolute).split(sep).join('/');
      return { bytes: content.bytes, name: basename(path), ...(file.startsWith('../') ? {} : { file }) };
    }
    return undefined;
  }
}

/** A file that an option names. */
export interface NamedFile {
  readonly bytes: Buffer;
  readonly name: string;
  /** Relative to the folder; absent if it is elsewhere. */
  readonly file?: string;
}

/** `seen` contains the real paths of the folders above, because links may form a circle. */
function filesBelow(root: string, folder: string, seen: ReadonlySet<string>): OriginalFile[] {
  const path = join(root, folder);
  const real = realPath(path);
  if (seen.has(real)) return [];
  // A volume of Kubernetes has its files twice: by their names, and in folders whose names begin with two dots.
  const names = namesIn(path, folder).filter((name) => !name.startsWith('..'));
  return names.flatMap((name) => {
    const file = posix.join(folder, name);
    if (isFolder(join(root, file))) return filesBelow(root, file, new Set([...seen, real]));
    const content = fileContent(join(root, file));
    return content === undefined ? [] : [{ file, content }];
  });
}

function namesIn(path: string, folder: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is not a folder' : `cannot be read (${code})`;
    throw new UsageError(`${folder === '' ? path : folder} ${reason}.`);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
