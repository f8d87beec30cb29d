import type { OriginalFolder } from './original-folder';

/** The folder of PNS for the files that options name. */
const secretsFolder = 'secrets';

/** The files with keys and certificates that the entries of the original name. */
export class KeyFiles {
  /** The files to write, by their paths in our folder. */
  readonly written = new Map<string, Buffer>();
  /** Where the files of the original's folder are copied to. */
  readonly copies = new Map<string, string>();
  /** Those of an entry that is not taken over yet. */
  private readonly pending = new Map<string, { readonly bytes: Buffer; readonly file: string | undefined }>();

  constructor(private readonly folder: OriginalFolder) {}

  /** Where the file at a path of the original will be; undefined if there is no file. */
  copied(path: string, client: string): string | undefined {
    const found = this.folder.named(path);
    if (found === undefined) return undefined;
    const { bytes, name, file } = found;
    const names = [name, `${client}-${name}`];
    for (let number = 2; number < 100; number++) names.push(`${client}-${number}-${name}`);
    const target = names.map((each) => `${secretsFolder}/${each}`).find((each) => this.isFreeFor(each, bytes));
    if (target !== undefined) this.pending.set(target, { bytes, file });
    return target;
  }

  /** The same for a file that the original names by the id of a secret. */
  copiedById(id: string): string | undefined {
    const target = `${secretsFolder}/${id}`;
    if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$/.test(id)) return undefined;
    const found = this.folder.named(target);
    if (found === undefined || !this.isFreeFor(target, found.bytes)) return undefined;
    this.pending.set(target, { bytes: found.bytes, file: found.file });
    return target;
  }

  /** @throws Error with the system's code, as for a file that does not exist */
  read(path: string): Buffer {
    const bytes = this.pending.get(path)?.bytes ?? this.written.get(path);
    if (bytes === undefined) throw Object.assign(new Error('does not exist'), { code: 'ENOENT' });
    return bytes;
  }

  /** Keeps the files of the entry that was just taken over. */
  keep(): void {
    for (const [target, { bytes, file }] of this.pending) {
      this.written.set(target, bytes);
      if (file !== undefined) this.copies.set(file, target);
    }
    this.forget();
  }

  /** Forgets the files of an entry that was not taken over. */
  forget(): void {
    this.pending.clear();
  }

  private isFreeFor(target: string, bytes: Buffer): boolean {
    const taken = this.pending.get(target)?.bytes ?? this.written.get(target);
    return taken === undefined || taken.equals(bytes);
  }
}
