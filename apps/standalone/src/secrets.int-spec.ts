import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readEnvironment } from '@pns/runtime';
import { isSet, takeFiles } from './env';
import { keptSecrets } from './secrets';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pns-secrets-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

describe('keptSecrets', () => {
  it('makes secrets once and keeps them where only their owner can read', () => {
    const first = keptSecrets(folder);
    expect(keptSecrets(folder)).toEqual(first);
    expect(new Set(Object.values(first)).size).toBe(3);
    for (const secret of Object.values(first)) expect(secret.length).toBeGreaterThanOrEqual(32);
    expect(statSync(join(folder, 'secrets.json')).mode & 0o777).toBe(0o600);
  });

  it('makes secrets that start PNS, and that production refuses', () => {
    const secrets = keptSecrets(folder);
    expect(() => readEnvironment([], { ...secrets })).not.toThrow();
    expect(() => readEnvironment([], { NODE_ENV: 'production', ...secrets })).toThrow('PNS_BOOTSTRAP_API_KEY');
    const replaced = { ...secrets, PNS_BOOTSTRAP_API_KEY: 'a key of our own' };
    expect(() => readEnvironment([], { NODE_ENV: 'production', ...replaced })).toThrow('PNS_SESSION_SECRET');
  });

  it('adds a secret that an older version did not know and keeps the others', () => {
    writeFileSync(join(folder, 'secrets.json'), JSON.stringify({ PNS_BOOTSTRAP_API_KEY: 'kept' }));
    const { PNS_BOOTSTRAP_API_KEY, PNS_SESSION_SECRET } = keptSecrets(folder);
    expect(PNS_BOOTSTRAP_API_KEY).toBe('kept');
    expect(keptSecrets(folder).PNS_SESSION_SECRET).toBe(PNS_SESSION_SECRET);
  });

  it('does not silently replace secrets that it cannot read', () => {
    writeFileSync(join(folder, 'secrets.json'), '{');
    expect(() => keptSecrets(folder)).toThrow();
  });
});

describe('takeFiles', () => {
  const given = { ...process.env };

  afterEach(() => (process.env = { ...given }));

  it('puts a value from a file in the place of the name of the file, also where the variable is empty', () => {
    writeFileSync(join(folder, 'url'), 'postgres://db/pns\n');
    Object.assign(process.env, { DATABASE_URL: '', DATABASE_URL_FILE: join(folder, 'url') });
    takeFiles();
    expect(isSet('DATABASE_URL')).toBe(true);
    expect(process.env).toMatchObject({ DATABASE_URL: 'postgres://db/pns' });
    expect(process.env).not.toHaveProperty('DATABASE_URL_FILE');
  });
});
