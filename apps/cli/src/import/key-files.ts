import { posix } from 'node:path';
import type { NamedFile, OriginalFolder } from './original-folder';

/** The folder for files that options name. An option with an id names a file in this folder, in PNS and in the original. */
const secretsFolder = 'secrets';

/** A planned copy of a file. The entry that is being imported names this file. */
interface KeyFileCopy {
  /** The path in our folder. */
  readonly target: string;
  readonly found: NamedFile;
}

/** A field in the original's configuration that names a file. */
interface Naming {
  /** The field as the report shows it, with its file and line. */
  readonly shown: string;
  /** Whether the original reads the file. */
  readonly isUsed: boolean;
}

/** The files with keys and certificates that the entries of the original name. */
export class KeyFiles {
  /** The files to write, by their paths in our folder. */
  readonly written = new Map<string, Buffer>();
  /** The path in our folder for each file of the original's folder that is copied. */
  readonly copies = new Map<string, string>();
  /** For a file of the original's folder, the field that names it. */
  private readonly namings = new Map<string, Naming>();
  /** Paths for the files that fields name. No other file is copied to such a path, even if the original lacks the named file. */
  private readonly reserved = new Set<string>();
  /** The files of the entry that is being imported. */
  private readonly pending = new Map<string, NamedFile>();

  constructor(private readonly folder: OriginalFolder) {}

  /** Reserves the path that the value of a field names in our folder: the path of a secret's id if `isId`, else the value. */
  reserve(value: string, isId: boolean): void {
    this.reserved.add(isId ? targetFor(value) : posix.normalize(value));
  }

  /** Plans a copy of the file at a path of the original; `keep` makes the copy. Undefined if there is no file. */
  copied(path: string, client: string): KeyFileCopy | undefined {
    const found = this.folder.named(path);
    if (found === undefined) return undefined;
    const { name } = found;
    const names = [name, `${client}-${name}`];
    for (let number = 2; number < 100; number++) names.push(`${client}-${number}-${name}`);
    const target = names.map(targetFor).find((each) => this.isFreeFor(each, found));
    return target === undefined ? undefined : this.pendingCopy(target, found);
  }

  /** Like `copied`, for a file that the original names by the id of a secret. */
  copiedById(id: string): KeyFileCopy | undefined {
    const found = this.withId(id);
    return found === undefined ? undefined : this.pendingCopy(targetFor(id), found);
  }

  /** Records that a field names a file. If several fields name it, keeps the first one with `isUsed`, otherwise the first one. */
  noteNaming(value: string, isId: boolean, naming: Naming): void {
    const file = (isId ? this.withId(value) : this.folder.named(value))?.file;
    if (file === undefined) return;
    const before = this.namings.get(file);
    if (before === undefined || (naming.isUsed && !before.isUsed)) this.namings.set(file, naming);
  }

  /** The field that names a file of the original's folder. */
  namingOf(file: string): Naming | undefined {
    return this.namings.get(file);
  }

  /**
   * Reads a file of the entry that is being imported. Files of other entries are not found, so that no client gets their keys.
   *
   * @throws Error with the system's code, as for a file that does not exist
   */
  read(path: string): Buffer {
    const bytes = this.pending.get(path)?.bytes;
    if (bytes === undefined) throw Object.assign(new Error('does not exist'), { code: 'ENOENT' });
    return bytes;
  }

  /** Adds the files of the entry that was just imported to the files to write. */
  keep(): void {
    for (const [target, { bytes, file }] of this.pending) {
      this.written.set(target, bytes);
      if (file !== undefined) this.copies.set(file, target);
    }
    this.forget();
  }

  /** Forgets the files of an entry that was not imported. */
  forget(): void {
    this.pending.clear();
  }

  private withId(id: string): NamedFile | undefined {
    return /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$/.test(id) ? this.folder.at(targetFor(id)) : undefined;
  }

  private pendingCopy(target: string, found: NamedFile): KeyFileCopy {
    this.pending.set(target, found);
    return { target, found };
  }

  private isFreeFor(target: string, { bytes, file }: NamedFile): boolean {
    if (this.reserved.has(target) && file !== target) return false;
    const taken = this.pending.get(target)?.bytes ?? this.written.get(target);
    return taken === undefined || taken.equals(bytes);
  }
}

function targetFor(name: string): string {
  return `${secretsFolder}/${name}`;
}
