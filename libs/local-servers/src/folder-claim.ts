import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LocalServerError } from './local-server-error';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity';

/**
 * Claims `folder` for this process. The claim ends when the returned function is called or the process ends, also by a crash.
 *
 * @throws LocalServerError with the sentence of `inUse` when another running process has claimed it.
 */
export function claimFolder(folder: string, inUse = inUseSentence(folder)): () => void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'owner.json');
  const own = ownIdentity();
  while (!created(file, own)) {
    const owner = readIdentity(file);
    if (owner && owner.pid !== own.pid && isRunning(owner)) {
      throw new LocalServerError(inUse(owner.pid));
    }
    rmSync(file, { force: true });
  }
  return () => rmSync(file, { force: true });
}

/** The id of another running process that has claimed `folder`, if there is one. */
export function folderOwner(folder: string): number | undefined {
  const owner = readIdentity(join(folder, 'owner.json'));
  return owner && owner.pid !== process.pid && isRunning(owner) ? owner.pid : undefined;
}

function created(file: string, owner: ProcessIdentity): boolean {
  try {
    const handle = openSync(file, 'wx', 0o600);
    writeSync(handle, JSON.stringify(owner));
    closeSync(handle);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined; // the file is incomplete after a crash, or already removed
  }
}

function inUseSentence(folder: string): (pid: number) => string {
  return (pid) => `${folder} is in use by process ${pid}; stop it first (kill ${pid}), or choose another folder.`;
}
