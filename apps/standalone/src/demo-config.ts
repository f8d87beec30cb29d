import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const shippedSandbox = 'http://127.0.0.1:3002';
const webhooks = 'webhooks.yml';

/**
 * The folder with the configuration: the shipped one, or, where the sandbox is on another port than that says, one below
 * `dataDir` with links to the shipped files and a `webhooks.yml` that names the right port. A webhook's URI is part of
 * the configuration on purpose (nobody may redirect its secrets), so a variable cannot change it.
 */
export function configFor(configDir: string, dataDir: string, sandboxUrl: string): string {
  const shipped = join(configDir, webhooks);
  const text = existsSync(shipped) ? readFileSync(shipped, 'utf8') : '';
  if (sandboxUrl === shippedSandbox || !text.includes(shippedSandbox)) return configDir;
  const folder = join(dataDir, 'config');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(configDir).filter((each) => each !== webhooks)) {
    symlinkSync(resolve(configDir, name), join(folder, name));
  }
  writeFileSync(join(folder, webhooks), text.replaceAll(shippedSandbox, sandboxUrl));
  return folder;
}
