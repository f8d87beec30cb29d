import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshDatabase, startRedis, testDatabaseUrl, type LocalRedis } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { makeAuthority } from '@pns/sandbox';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { runCli } from './cli-process';
import { apiKey, System } from './system';

jest.setTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), 'pns-doctor-'));
let system: System;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  system = await System.start({ processes: { dispatcher: 0, 'worker-websocket': 0, 'worker-webhook': 0 } });
  const redis = new Redis(system.redis.url);
  await redis.config('SET', 'maxmemory', '256mb');
  redis.disconnect();
  env = {
    PNS_API_URL: system.app('api').url,
    PNS_API_KEY: apiKey,
    REDIS_URL: system.redis.url,
    DATABASE_URL: system.databaseUrl,
  };
}, 120_000);

afterAll(async () => {
  await system?.stop();
  rmSync(folder, { recursive: true });
});

/** Runs the doctor with other variables, and expects that it names a fault and its cure. */
async function expectFault(changes: Readonly<Record<string, string>>, problem: RegExp, cure = /\S/): Promise<void> {
  const { code, out, err } = await runCli(['doctor'], { ...env, ...changes });
  expect({ code, err }).toEqual({ code: 1, err: '' });
  expect(out).toMatch(problem);
  const [, next = ''] = out.slice(out.search(problem)).split('\n', 2);
  expect(next).toMatch(/^ {2}\S/);
  expect(next).toMatch(cure);
}

it('is silent without a fault', async () => {
  expect(await runCli(['doctor'], env)).toEqual({ code: 0, out: '', err: '' });
});

describe('Redis', () => {
  let server: LocalRedis;
  let redis: Redis;
  const dataDir = join(folder, 'redis');

  beforeAll(async () => {
    server = await startRedis({ dataDir });
    redis = new Redis(server.url);
    await redis.config('SET', 'maxmemory', '256mb');
    const all = ['on', '>secret', '&*', '+@all'];
    await redis.call('ACL', 'SETUSER', 'hosted', ...all, '~*', '-config');
    await redis.call('ACL', 'SETUSER', 'other', ...all, '~other:*');
  });

  afterAll(async () => {
    redis?.disconnect();
    await server?.stop();
  });

  const as = (user: string) => ({ REDIS_URL: server.url.replace('redis://', `redis://${user}:secret@`) });

  it.each([
    ['maxmemory-policy', 'allkeys-lru', 'noeviction', /Redis: maxmemory-policy is allkeys-lru/],
    ['appendonly', 'no', 'yes', /Redis: appendonly is no/],
  ])('that refuses CONFIG and has %s %s', async (name, bad, usual, problem) => {
    await redis.config('SET', name, bad);
    await expectFault(as('hosted'), problem, /settings of the hosted Redis/);
    await redis.config('SET', name, usual);
  });

  it('whose account may not use the keys of PNS', () =>
    expectFault(as('other'), /Redis: The account may not use the keys of PNS: NOPERM/, /ACL SETUSER/));

  it('that is a replica', async () => {
    await redis.replicaof('127.0.0.1', system.redis.port);
    await expectFault({ REDIS_URL: server.url }, /Redis: It is a replica/, /Point REDIS_URL at the master/);
    await redis.replicaof('NO', 'ONE');
  });

  it('that cannot write to its disk', async () => {
    rmSync(dataDir, { recursive: true });
    await redis.bgsave().catch(() => undefined);
    await eventually('the save has failed', async () => /rdb_last_bgsave_status:err/.test(await redis.info()));
    await expectFault({ REDIS_URL: server.url }, /Redis: It could not write to its disk \(.*rdb_last/, /Free space/);
    mkdirSync(dataDir);
  });
});

describe('Postgres', () => {
  const account = `doctor_${process.pid}`;
  let database: Awaited<ReturnType<typeof freshDatabase>>;

  beforeAll(async () => {
    database = await freshDatabase();
    await sql(`CREATE ROLE ${account} LOGIN PASSWORD 'secret'`);
  });

  afterAll(async () => {
    await database?.drop();
    await sql(`DROP ROLE ${account}`);
  });

  async function sql(text: string, url = testDatabaseUrl()): Promise<void> {
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query(text).finally(() => client.end());
  }

  const nameOf = (url: string) => new URL(url).pathname.slice(1);

  it('that accepts no writes', async () => {
    await sql(`ALTER DATABASE ${nameOf(database.url)} SET default_transaction_read_only = on`);
    await expectFault({ DATABASE_URL: database.url }, /Postgres: It accepts no writes/, /Switch it off/);
    await sql(`ALTER DATABASE ${nameOf(database.url)} RESET default_transaction_read_only`);
  });

  it('whose account may not create tables', () =>
    expectFault(
      { DATABASE_URL: database.url.replace(/\/\/[^@]*@/, `//${account}:secret@`) },
      new RegExp(`Postgres: The account ${account} may not create tables`),
      new RegExp(`OWNER TO ${account}`),
    ));

  it('with another encoding than UTF-8', async () => {
    const name = `${account}_latin`;
    await sql(`CREATE DATABASE ${name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
    const url = database.url.replace(/[^/]+$/, name);
    await expectFault({ DATABASE_URL: url }, /Postgres: The encoding of the database is LATIN1/, /ENCODING 'UTF8'/);
    await sql(`DROP DATABASE ${name}`);
  });

  it('that a newer version has migrated', async () => {
    await sql("INSERT INTO migrations (timestamp, name) VALUES (1, 'Future1')", system.databaseUrl);
    await expectFault({}, /Postgres: It was migrated by a newer version: Future1/, /Run the newer version/);
    await sql("DELETE FROM migrations WHERE name = 'Future1'", system.databaseUrl);
  });
});

it('an API that lacks the key of sessions', () =>
  expectFault(
    { PNS_BOOTSTRAP_API_KEY: 'b'.repeat(32), PNS_ENCRYPTION_KEY: 'ab'.repeat(32) },
    /environment: PNS_SESSION_SECRET: is not set\. Set it, or PNS_SESSION_JWKS_URL/,
  ));

it('an API key with a line break, without showing it', async () => {
  const { code, out } = await runCli(['doctor'], { ...env, PNS_API_KEY: 'secret\nkey' });
  expect(code).toBe(1);
  expect(out).toMatch(/API: It was not checked: The API key has a line break/);
  expect(out).not.toContain('secret');
});

it('another server at the address of the API', async () => {
  const server = createServer((_, response) => response.end('<html>'));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await expectFault(
    { PNS_API_URL: `http://127.0.0.1:${port}` },
    /API: \S+ answers no JSON, so it is not the API of PNS/,
  );
  server.close();
});

it('options that are encrypted with a key that PNS_ENCRYPTION_KEY no longer has', async () => {
  const options = { uri: 'https://crm.example.com/', signatureSecret: 'a secret' };
  await system.expect(200, 'PUT', '/v1/clients/crm/transports/webhook', options);
  const other = await system.add('api', { PNS_ENCRYPTION_KEY: 'cd'.repeat(32) });
  await expectFault(
    { PNS_API_URL: other.url },
    /crm \(webhook\): Its options cannot be used: .*PNS_ENCRYPTION_KEY/,
    /Add the earlier key/,
  );
  await other.stop();
  await system.expect(204, 'DELETE', '/v1/clients/crm/transports/webhook', undefined, system.app('api', 0));
});

describe('the configuration folder', () => {
  let configDir: string;

  beforeEach(() => (configDir = mkdtempSync(join(folder, 'config-'))));

  it.each([
    ['a folder in place of a file', 'webhooks.yml/', '', /^webhooks\.yml: is a folder, but must be a file$/m],
    [
      'tabs in YAML',
      'webhooks.yml',
      'crm:\n\turi: https://1.1.1.1/\n',
      /^webhooks\.yml:2: crm: .*indented with a tab/m,
    ],
    [
      'an unknown field',
      'pns-gcm-options.yml',
      'app:\n  colour: blue\n',
      /^pns-gcm-options\.yml:1: app: .*colour is not/m,
    ],
    [
      'an unknown transport',
      'a.properties',
      'com.openexchange.pns.transport.mqtt.enabled=true\n',
      /^a\.properties:1: com\S+mqtt\.enabled: is not known/m,
    ],
    ['a typing error in the name of a file', 'webhook.yml', '', /^webhook\.yml: .*its name must be webhooks\.yml$/m],
    [
      'a faulty expression of tags',
      'contextSets/a.yml',
      'a:\n  withTags: b &\n',
      /^contextSets\/a\.yml:2: a: withTags/m,
    ],
    [
      'a webhook at a private address',
      'webhooks.yml',
      'crm:\n  uri: https://10.1.2.3/\n',
      /^crm \(webhook\): Nothing can be sent: .*not a public one \(private\)/m,
    ],
    [
      'a webhook whose name no name server knows',
      'webhooks.yml',
      'crm:\n  uri: https://crm.invalid/\n',
      /^crm \(webhook\): Nothing can be sent: The name could not be looked up/m,
    ],
  ])('with %s', async (_, file, content, problem) => {
    const path = join(configDir, file);
    mkdirSync(file.endsWith('/') ? path : join(path, '..'), { recursive: true });
    if (!file.endsWith('/')) writeFileSync(path, content);
    await expectFault({ PNS_CONFIG_DIR: configDir }, problem);
  });

  it('that does not exist', () =>
    expectFault(
      { PNS_CONFIG_DIR: join(configDir, 'missing') },
      /It was not checked: PNS_CONFIG_DIR names/,
      /Correct it/,
    ));

  it('with a file that every account may change', async () => {
    writeFileSync(join(configDir, 'webhooks.yml'), '');
    chmodSync(join(configDir, 'webhooks.yml'), 0o666);
    await expectFault({ PNS_CONFIG_DIR: configDir }, /^webhooks\.yml: Every account/m, /chmod o-w .*webhooks\.yml$/);
  });

  it('with a file of secrets that every account may read is only a note', async () => {
    writeFileSync(join(configDir, 'webhooks.yml'), '', { mode: 0o644 });
    const { code, out } = await runCli(['doctor', '--notes'], { ...env, PNS_CONFIG_DIR: configDir });
    expect(code).toBe(0);
    expect(out).toMatch(/^webhooks\.yml: Every account of this machine may read it/m);
  });

  it('with a wrong password of a keystore, and with a proxy that has no effect', async () => {
    const authority = makeAuthority();
    const identity = authority.client('com.example', [{ type: '0.9.2342.19200300.100.1.1', value: 'com.example' }]);
    writeFileSync(join(configDir, 'push.p12'), authority.pkcs12(identity, 'right'));
    const write = (password: string) =>
      writeFileSync(
        join(configDir, 'pns-apns-options.yml'),
        `app: {keystore: push.p12, password: ${password}, topic: com.example, endpoint: "https://127.0.0.1:1"}\n`,
      );
    write('wrong');
    await expectFault({ PNS_CONFIG_DIR: configDir }, /^pns-apns-options\.yml:1: app: .*password/m);
    write('right');
    await expectFault(
      { PNS_CONFIG_DIR: configDir, HTTPS_PROXY: 'http://proxy.example.com:3128' },
      /^app \(apns\): The provider cannot be used now/m,
      /PNS uses no proxy, so HTTPS_PROXY has no effect/,
    );
  });
});
