import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const size = '512m';
const filler = 'filler';
const block = Buffer.alloc(1024 * 1024);

/** A file system in memory for the data of Redis. A plan can fill it. Only root may mount it. */
export class SmallDisk {
  private constructor(private readonly mounted: string) {}

  /** Mounts the file system. Returns undefined if this process may not mount one. */
  static mount(): SmallDisk | undefined {
    const folder = mkdtempSync(join(tmpdir(), 'pns-chaos-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
      return new SmallDisk(folder);
    } catch {
      rmSync(folder, { recursive: true });
      return undefined;
    }
  }

  get folder(): string {
    const folder = join(this.mounted, 'redis');
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Fills the file system completely; returns a function that makes room again. */
  fill(): () => void {
    const file = openSync(join(this.mounted, filler), 'w');
    try {
      for (let size = block.length; size >= 1; size = Math.floor(size / 2)) this.write(file, block.subarray(0, size));
    } finally {
      closeSync(file);
    }
    return () => rmSync(join(this.mounted, filler));
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.mounted]);
    rmSync(this.mounted, { recursive: true });
  }

  /** Writes `bytes` again and again until there is no room for them. */
  private write(file: number, bytes: Buffer): void {
    try {
      while (writeSync(file, bytes) === bytes.length);
    } catch {
      // there is no room
    }
  }
}
