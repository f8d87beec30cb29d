import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { developmentPrefix } from '@pns/runtime';

const names = ['PNS_BOOTSTRAP_API_KEY', 'PNS_SESSION_SECRET', 'PNS_ENCRYPTION_KEY'] as const;
type Secrets = Record<(typeof names)[number], string>;

/** The secrets of this data folder: generated at its first start, and stored in a file that only its owner can read. */
export function keptSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  const kept = read(file);
  const secrets = Object.fromEntries(names.map((name) => [name, kept[name] ?? newSecret(name)])) as Secrets;
  if (names.every((name) => kept[name] !== undefined)) return secrets;
  // The secrets are written to a new file, which is then renamed. So a crash leaves either the old secrets or all of the new
  // ones.
  rmSync(`${file}.new`, { force: true });
  writeFileSync(`${file}.new`, JSON.stringify({ ...kept, ...secrets }, undefined, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return secrets;
}

/** A random secret with a prefix that production refuses. An encryption key has no prefix, because it has no room for it. */
function newSecret(name: keyof Secrets): string {
  const prefix = name === 'PNS_ENCRYPTION_KEY' ? '' : developmentPrefix;
  return prefix + randomBytes(32).toString('base64url');
}

function read(file: string): Partial<Secrets> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
