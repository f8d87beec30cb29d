import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, join, posix, relative, resolve, sep } from 'node:path';
import { fileContent, type FileContent } from '@pns/config-folder';
import { UsageError } from '../env';

/** A file of the original's configuration folder. */
export interface OriginalFile {
  /** The path in the folder, separated by `/`. */
  readonly file: string;
  readonly content: FileContent;
}

/** The path of the folder in an installation of the original. Options use this path for files, even in a copy of the folder. */
const installedPath = /^\/opt\/open-xchange\/etc\//;

/** The configuration folder of the original, read only. */
export class OriginalFolder {
  readonly files: readonly OriginalFile[];

  /** @throws UsageError if `path` is not a readable folder */
  constructor(private readonly path: string) {
    // An empty path would mean the current folder.
    if (path === '') throw new UsageError('The folder to import has no name.');
    this.files = filesBelow(resolve(path), '', new Set()).sort((a, b) => (a.file < b.file ? -1 : 1));
  }

  /** The file that an option names by its path, in the folder or elsewhere on this machine; undefined if there is none. */
  named(path: string): NamedFile | undefined {
    if (path.trim() === '') return undefined;
    return this.at(path.replace(installedPath, ''), path) ?? this.at(path, path) ?? this.namesake(path);
  }

  /** The file at exactly this path of the folder. */
  at(path: string, named = path): NamedFile | undefined {
    const absolute = resolve(this.path, path);
    const content = fileContent(absolute);
    if (content === undefined || 'fault' in content) return undefined;
    const file = relative(resolve(this.path), absolute).split(sep).join('/');
    const isElsewhere = file.startsWith('../');
    return { bytes: content.bytes, name: basename(named), isNamesake: false, ...(isElsewhere ? {} : { file }) };
  }

  /** The file at the top of the folder that has the file name of `path`. */
  private namesake(path: string): NamedFile | undefined {
    const found = this.at(basename(path));
    return found && { ...found, isNamesake: true };
  }
}

/** A file that an option names. */
export interface NamedFile {
  readonly bytes: Buffer;
  readonly name: string;
  /** Whether the file has only the name that the option gives, but is in another folder. */
  readonly isNamesake: boolean;
  /** The path relative to the folder; absent if the file is elsewhere. */
  readonly file?: string;
}

/** Lists the files below `folder`. `seen` has the real paths of its parents, because links may form a circle. */
function filesBelow(root: string, folder: string, seen: ReadonlySet<string>): OriginalFile[] {
  const path = join(root, folder);
  const real = realPath(path);
  if (seen.has(real)) return [];
  // A volume of Kubernetes has its files twice: by their names, and in folders whose names begin with two dots (skipped here).
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
