import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, freshDatabase } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { startSandbox } from '@pns/sandbox';
import { Redis } from 'ioredis';
import { runCli } from './cli-process';
import { apiKey, System } from './system';

jest.setTimeout(60_000);

let system: System;
let redis: Redis;
let closedPort: number;

beforeAll(async () => {
  system = await System.start({ processes: { 'worker-websocket': 0, 'worker-apns': 1 } });
  redis = new Redis(system.redis.url);
  await redis.config('SET', 'maxmemory', '256mb');
  closedPort = await freePort();
}, 120_000);

afterAll(async () => {
  redis?.disconnect();
  await system?.stop();
});

const good = () => ({
  PNS_API_URL: system.app('api').url,
  PNS_API_KEY: apiKey,
  REDIS_URL: system.redis.url,
  DATABASE_URL: system.databaseUrl,
});

it('prints nothing if there is no fault', async () => {
  expect(await runCli(['doctor'], good())).toEqual({ code: 0, out: '', err: '' });
  const { out } = await runCli(['--json', 'doctor'], good());
  expect(JSON.parse(out)).toEqual({ findings: [] });
});

it('shows on request what is switched off, and the cost', async () => {
  const { code, out, err } = await runCli(['doctor', '--notes'], good());
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^com\.openexchange\.pns\.transport\.wns\.enabled=false: Windows devices get nothing\.$/m);
  expect(out).toMatch(/^OTEL_EXPORTER_OTLP_ENDPOINT is not set: There are no traces\.$/m);
  expect(out).not.toMatch(/webhooks\.enabled|pns\.history/);
  system.configure('notes.properties', 'com.openexchange.pns.history=none\n');
  const where = 'com.openexchange.pns.history=none';
  await eventually('the doctor sees it', async () => {
    const { notes } = JSON.parse((await runCli(['--json', 'doctor', '--notes'], good())).out) as {
      notes: { where: string }[];
    };
    return notes.some((note) => note.where === where);
  });
  system.configure('notes.properties', '\n');
});

/** The fault, the variables that cause it, and the finding that the doctor must print. */
const variables: readonly (readonly [string, () => Record<string, string>, RegExp])[] = [
  ['an unknown variable', () => ({ PNS_SHARD: '4' }), /PNS_SHARD is not a variable that PNS knows/],
  ['every faulty variable', () => ({ PNS_SHARD: '4', PNS_SHARDS: 'many' }), /PNS_SHARD is not[^]*PNS_SHARDS: must be/],
  ['a REDIS_URL without a scheme', () => ({ REDIS_URL: 'localhost:6379' }), /REDIS_URL: must be a redis:\/\//],
  ['a DATABASE_URL that is not a URL', () => ({ DATABASE_URL: 'here' }), /DATABASE_URL: must be a postgres:\/\/ URL/],
  ['a bad value', () => ({ PNS_SHARDS: 'many' }), /PNS_SHARDS: must be a whole number/],
  [
    'a short encryption key',
    () => ({ PNS_ENCRYPTION_KEY: 'short' }),
    /PNS_ENCRYPTION_KEY: must be one or more keys of 32 bytes/,
  ],
  [
    'one secret for two purposes',
    () => ({ PNS_SESSION_SECRET: 'x'.repeat(32), PNS_BOOTSTRAP_API_KEY: 'x'.repeat(32) }),
    /is the same as PNS_SESSION_SECRET/,
  ],
  [
    'a missing file of a secret',
    () => ({ PNS_SESSION_SECRET_FILE: '/missing' }),
    /PNS_SESSION_SECRET_FILE: \/missing cannot be read/,
  ],
  [
    'an API that does not run',
    () => ({ PNS_API_URL: `http://127.0.0.1:${closedPort}` }),
    /API: \S+ cannot be reached \(ECONNREFUSED\)/,
  ],
  ['an API key that is not set', () => ({ PNS_API_KEY: '' }), /API: It was not checked: No API key: set PNS_API_KEY/],
  [
    'an address without a scheme',
    () => ({ PNS_API_URL: 'localhost:3000' }),
    /localhost:3000 is not a URL; set PNS_API_URL/,
  ],
  [
    'a path behind the address of the API',
    () => ({ PNS_API_URL: `${system.app('api').url}/docs` }),
    /\/docs answers HTTP 404, so it is not the API of PNS\.\n {2}Set PNS_API_URL/,
  ],
  ['a wrong API key', () => ({ PNS_API_KEY: 'a key that nobody made' }), /Set PNS_API_KEY to a valid key/],
  [
    'a Redis that does not run',
    () => ({ REDIS_URL: 'redis://127.0.0.1:1' }),
    /Redis: Redis at 127\.0\.0\.1:1 cannot be reached \([^)]+\)\.\n {2}Start Redis, or correct scheme, host and port in REDIS_URL/,
  ],
  [
    'a wrong password of Redis',
    () => ({ REDIS_URL: system.redis.url.replace('redis://', 'redis://nobody:wrong@') }),
    /Redis: .*refuses: WRONGPASS.*\n {2}Correct the user and the password in REDIS_URL/,
  ],
  [
    'a Postgres that does not run',
    () => ({ DATABASE_URL: 'postgres://127.0.0.1:1/pns' }),
    /Postgres: 127\.0\.0\.1:1\/pns cannot be used: .*ECONNREFUSED.*\n {2}Start Postgres, or correct host and port in DATABASE_URL/,
  ],
  [
    'a wrong password of Postgres',
    () => ({ DATABASE_URL: system.databaseUrl.replace(/\/\/[^@]*@/, '//nobody:wrong@') }),
    /Postgres: .*cannot be used: .*"nobody".*\n {2}Correct the user and the password in DATABASE_URL/,
  ],
  [
    'a database that does not exist',
    () => ({ DATABASE_URL: system.databaseUrl.replace(/[^/]+$/, 'missing') }),
    /Postgres: .*database "missing" does not exist\.\n {2}Create the database, or correct its name in DATABASE_URL/,
  ],
];

it('is tested with more than fifteen broken installations', () => expect(variables.length).toBeGreaterThan(15));

it.each(variables)('names %s and its cure', async (_, env, sentence) => {
  const { code, out, err } = await runCli(['doctor'], { ...good(), ...env() });
  expect({ code, err }).toEqual({ code: 1, err: '' });
  expect(out).toMatch(sentence);
  expect(out).toMatch(/^ {2}\S/m);
});

it.each([
  ['appendonly', 'no', 'yes', /appendonly is no/],
  ['appendfsync', 'everysec', 'always', /appendfsync is everysec/],
  ['maxmemory-policy', 'allkeys-lru', 'noeviction', /maxmemory-policy is allkeys-lru/],
  ['maxmemory', '0', '256mb', /maxmemory is not set/],
])('names %s %s and its cure', async (name, bad, usual, sentence) => {
  await redis.config('SET', name, bad);
  try {
    const { code, out } = await runCli(['doctor'], good());
    expect(code).toBe(1);
    expect(out).toMatch(sentence);
  } finally {
    await redis.config('SET', name, usual);
  }
});

it('reports the servers that it did not check, because it has no address of them', async () => {
  const api = { PNS_API_URL: system.app('api').url, PNS_API_KEY: apiKey };
  const err =
    'Redis was not checked, because REDIS_URL is not set here.\n' +
    'Postgres was not checked, because DATABASE_URL is not set here.\n';
  expect(await runCli(['doctor'], api)).toEqual({ code: 0, out: '', err });
});

it('names a Redis that is nearly full', async () => {
  const used = Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
  await redis.config('SET', 'maxmemory', String(Math.round(used * 1.1)));
  try {
    const out = expect.stringMatching(/% of maxmemory is used/) as string;
    expect(await runCli(['doctor'], good())).toMatchObject({ code: 1, out });
  } finally {
    await redis.config('SET', 'maxmemory', '256mb');
  }
});

it('names migrations that have not run', async () => {
  const empty = await freshDatabase();
  try {
    const { code, out } = await runCli(['doctor'], { ...good(), DATABASE_URL: empty.url });
    expect(code).toBe(1);
    expect(out).toMatch(/Postgres: (\d+) of \1 migrations have not run/);
  } finally {
    await empty.drop();
  }
});

it('names an API key without the scope', async () => {
  const { key } = await system.expect<{ key: string }>(201, 'POST', '/v1/api-keys', {
    name: 'producer',
    scopes: ['ingest'],
  });
  const out = expect.stringMatching(/Use a key with the scope admin/) as string;
  expect(await runCli(['doctor'], { ...good(), PNS_API_KEY: key })).toMatchObject({ code: 1, out });
});

it('names a faulty entry of the configuration folder with its file and line', async () => {
  system.configure('broken.properties', 'com.openexchange.pns.delayDuration=soon\n');
  const { out } = await eventually('the doctor finds it', async () => {
    const ended = await runCli(['doctor'], good());
    return ended.code === 1 ? ended : undefined;
  });
  expect(out).toMatch(/broken\.properties:1: .*delayDuration/);
  system.configure('broken.properties', '\n');
  await eventually('the doctor is silent again', async () => (await runCli(['doctor'], good())).code === 0);
});

it('names an unknown property and the nearest known one', async () => {
  system.configure('typing.properties', 'com.openexchange.pns.delayDuraton=5\n');
  const { out } = await eventually('the doctor finds it', async () => {
    const ended = await runCli(['doctor'], good());
    return ended.code === 1 ? ended : undefined;
  });
  expect(out).toMatch(/typing\.properties:1: .*delayDuraton: is not known; the nearest is .*delayDuration/);
  system.configure('typing.properties', '\n');
  await eventually('the doctor is silent again', async () => (await runCli(['doctor'], good())).code === 0);
});

it('tries the credentials of the option files at each provider', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pns-doctor-'));
  const sandbox = await startSandbox({ port: 0 });
  const write = (changes: Readonly<Record<string, object>>) => {
    for (const { client, transport, options } of sandbox.demoApps) {
      const file = { apns: 'pns-apns-options.yml', fcm: 'pns-gcm-options.yml', wns: 'pns-wns-options.yml' }[transport];
      const entry: Record<string, unknown> = { ...options, ...changes[transport] };
      // In an option file, these fields are paths.
      for (const field of ['privatekey', 'serviceAccount', 'caFile'].filter((name) => name in entry)) {
        writeFileSync(join(folder, `${client}.${field}`), String(entry[field]));
        entry[field] = `${client}.${field}`;
      }
      writeFileSync(join(folder, file), JSON.stringify({ [client]: entry }));
    }
    return runCli(['doctor'], { ...good(), PNS_CONFIG_DIR: folder });
  };
  try {
    expect(await write({})).toEqual({ code: 0, out: '', err: '' });
    const wrong = await write({
      apns: { keyid: 'WRONGKEY01' },
      fcm: { tokenEndpoint: `https://127.0.0.1:${closedPort}` },
      wns: { secret: 'wrong' },
    });
    expect(wrong).toMatchObject({ code: 1, err: '' });
    expect(wrong.out).toMatch(
      /^demo-ios \(apns\): Apple answered 403 InvalidProviderToken.*\n {2}Correct the credentials/m,
    );
    expect(wrong.out).toMatch(
      /^demo-android \(fcm\): The provider cannot be used now: .*\n {2}Allow connections to it/m,
    );
    expect(wrong.out).toMatch(
      /^demo-windows \(wns\): Microsoft issues no access token.*\n {2}Correct the credentials/m,
    );
    expect(wrong.out.trim().split('\n')).toHaveLength(6);
  } finally {
    await sandbox.close();
    rmSync(folder, { recursive: true });
  }
});

it('names a client whose credentials cannot be used', async () => {
  system.configure(
    'pns-apns-options.yml',
    'ios:\n  authtype: jwt\n  privatekey: missing.p8\n  keyid: ABCDE12345\n  teamid: ABCDE12345\n  topic: com.example\n',
  );
  await eventually('the doctor finds it', async () => /ios/.test((await runCli(['doctor'], good())).out));
});
