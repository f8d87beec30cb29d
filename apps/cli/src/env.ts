import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The URL of the API, and an API key for it. */
export interface Access {
  readonly url: string;
  readonly key: string;
}

/**
 * Returns the URL and the key in `given`, or else in `PNS_API_URL` and `PNS_API_KEY` (or `PNS_API_KEY_FILE`). The default is the
 * API on this machine with its bootstrap key, which `npm start` stores in its data folder.
 *
 * @throws UsageError when the URL or the key is not valid, or there is no key
 */
export function accessFrom(given: Partial<Access>, env: NodeJS.ProcessEnv = process.env): Access {
  const url = given.url ?? env['PNS_API_URL'] ?? `http://localhost:${env['PNS_API_PORT'] ?? 3000}`;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`${url} is not a URL; set PNS_API_URL or --url to one like http://localhost:3000.`);
  // The bootstrap key is for the API that the environment names, not for one that only the command line names.
  const bootstrapKey = given.url === undefined ? secretFrom(env, 'PNS_BOOTSTRAP_API_KEY') : undefined;
  const key = given.key ?? secretFrom(env, 'PNS_API_KEY') ?? bootstrapKey ?? developmentKey(env, url);
  if (key === undefined) throw new UsageError('No API key: set PNS_API_KEY, PNS_API_KEY_FILE or --key.');
  // The key is checked here, because an error of `fetch` would show it.
  if (!/^[ -~\xa0-\xff]+$/.test(key))
    throw new UsageError('The API key has a line break or another character that a header cannot contain.');
  return { url: url.replace(/\/+$/, ''), key };
}

/** The parts that `pns doctor` checks besides the API; an absent server is not checked. */
export interface DoctorEnv {
  readonly all: NodeJS.ProcessEnv;
  readonly redisUrl: string | undefined;
  readonly databaseUrl: string | undefined;
  /** The configuration folder; undefined if no variable names it and the folder `config` does not exist. */
  readonly configDir: string | undefined;
}

export function doctorEnv(env: NodeJS.ProcessEnv = process.env): DoctorEnv {
  const urlFrom = (name: string): string | undefined => {
    try {
      return secretFrom(env, name);
    } catch (error) {
      if (error instanceof UsageError) return undefined; // `environmentFindings` reports the unreadable file
      throw error;
    }
  };
  const named = env['PNS_CONFIG_DIR'] === '' ? undefined : env['PNS_CONFIG_DIR'];
  const configDir = named ?? (existsSync('config') ? 'config' : undefined);
  return { all: env, redisUrl: urlFrom('REDIS_URL'), databaseUrl: urlFrom('DATABASE_URL'), configDir };
}

/** Whether text to `stream` may be coloured: `stream` is a terminal, and no variable forbids colours (https://no-color.org). */
export function isColoured(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** The command line is wrong. The exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

function secretFrom(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const file = env[`${name}_FILE`];
  const value = env[name] === '' ? undefined : env[name];
  if (value !== undefined || file === undefined) return value;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`${name}_FILE: ${(error as Error).message}`);
  }
}

/** The key that `npm start` generated. It is sent to this machine only. */
function developmentKey(env: NodeJS.ProcessEnv, url: string): string | undefined {
  if (!/^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname)) return undefined;
  try {
    const secrets: unknown = JSON.parse(readFileSync(join(env['PNS_DATA_DIR'] ?? '.data', 'secrets.json'), 'utf8'));
    return (secrets as Readonly<Record<string, string | undefined>>)['PNS_BOOTSTRAP_API_KEY'];
  } catch {
    return undefined;
  }
}
