import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from './finding';

/** The bits of a file's mode that let every account of the machine change or read it. */
const [changeable, readable] = [0o002, 0o004];

/** Finds files of the configuration folder that every account of the machine may change. */
export function modeFindings(path: string): Finding[] {
  return filesWith(changeable, path).map((file) => ({
    where: file,
    problem: 'Every account of this machine may change it.',
    cure: `chmod o-w ${join(path, file)}`,
  }));
}

/** The option files and secrets that every account of the machine may read. */
export function readableSecrets(path: string): string[] {
  return filesWith(readable, path).filter((file) => /^secrets\/|\.yml$/.test(file));
}

function filesWith(bit: number, path: string): string[] {
  const below = (folder: string) => namesIn(join(path, folder)).map((name) => join(folder, name));
  return [...below('.'), ...below('secrets')].filter((file) => {
    const found = statSync(join(path, file), { throwIfNoEntry: false });
    return found?.isFile() === true && (found.mode & bit) !== 0;
  });
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => !name.startsWith('.'));
  } catch {
    return []; // the folder of secrets does not exist
  }
}
