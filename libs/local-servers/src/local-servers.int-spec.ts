import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { claimFolder } from './folder-claim';
import { startPostgres } from './postgres';
import { processIdentity } from './process-identity';
import { endReaper } from './reaper';
import { startRedis } from './redis';
import { startTemporaryServers } from './temporary-servers';
import { freshDatabase, freshPrefix, testRedisUrl } from './testing';

let folder: string;
const bystanders: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pns-local-servers-'));
  spawnSync('chmod', ['755', folder]);
});

afterEach(async () => {
  for (const process of bystanders.splice(0)) {
    if (process.exitCode !== null || process.signalCode !== null) continue;
    process.kill('SIGKILL');
    await once(process, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

afterAll(endReaper);

/** Starts a process that no server belongs to; returns its id. */
function bystander(): number {
  const process = spawn('sleep', ['600'], { stdio: 'ignore' });
  bystanders.push(process);
  return process.pid ?? 0;
}

async function askPostgres(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(sql).finally(() => client.end());
  return rows;
}

async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  return use(redis).finally(() => redis.disconnect());
}

describe('a local Postgres', () => {
  it('keeps its data after a stop, a kill and another start', async () => {
    const first = await startPostgres({ dataDir: folder });
    await askPostgres(first.url, `CREATE TABLE kept AS SELECT 1 AS number`);
    await first.kill();
    const second = await startPostgres({ dataDir: folder });
    await askPostgres(second.url, `INSERT INTO kept VALUES (2)`);
    await second.stop();
    const third = await startPostgres({ dataDir: folder });
    expect(await askPostgres(third.url, 'SELECT number FROM kept ORDER BY 1')).toEqual([{ number: 1 }, { number: 2 }]);
    expect(third.port).toBe(first.port);
    await third.stop();
    expect(processIdentity(third.pid)).toBeUndefined();
  });

  it('refuses connections without the password', async () => {
    const postgres = await startPostgres({ dataDir: folder });
    const url = new URL(postgres.url);
    url.password = 'guessed';
    await expect(askPostgres(url.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    await postgres.stop();
  });

  it('creates the database again after an interrupted start', async () => {
    mkdirSync(join(folder, 'cluster', 'base'), { recursive: true });
    const postgres = await startPostgres({ dataDir: folder });
    expect(await askPostgres(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await postgres.stop();
  });
});

describe('a local Redis', () => {
  it.each([true, false])(
    'has every confirmed write after it was killed and started again on the same port (durable: %s)',
    async (isDurable) => {
      const first = await startRedis({ dataDir: folder, isDurable });
      const written = Array.from({ length: 100 }, (_, index) => `kept-${index}`);
      await withRedis(first.url, (redis) => Promise.all(written.map((name) => redis.set(name, 'yes'))));
      process.kill(first.pid, 'SIGKILL');
      await first.kill();
      const second = await startRedis({ dataDir: folder, isDurable, port: first.port });
      expect(second.url).toBe(first.url);
      expect(await withRedis(second.url, (redis) => redis.mget(written))).toEqual(written.map(() => 'yes'));
      await second.stop();
      expect(processIdentity(second.pid)).toBeUndefined();
    },
  );

  it('writes every command to disk, never evicts, and listens on this machine only', async () => {
    const server = await startRedis({ dataDir: folder });
    const settings = ['appendonly', 'appendfsync', 'maxmemory-policy', 'bind'];
    const values = await withRedis(server.url, (redis) =>
      Promise.all(settings.map(async (name) => ((await redis.config('GET', name)) as string[])[1])),
    );
    expect(values).toEqual(['yes', 'always', 'noeviction', '127.0.0.1']);
    await server.stop();
  });

  it('names the port when another program uses it', async () => {
    const other = await startRedis({ dataDir: join(folder, 'other') });
    const start = startRedis({ dataDir: join(folder, 'own'), port: other.port });
    await expect(start).rejects.toThrow(`redis did not start on port ${other.port}`);
    await other.stop();
  });

  it('stops the server that an earlier process left running in the folder', async () => {
    const orphan = processIdentity(bystander());
    writeFileSync(join(folder, 'server.json'), JSON.stringify({ server: orphan, port: 0 }));
    const lines: string[] = [];
    const redis = await startRedis({ dataDir: folder, onProgress: (line) => lines.push(line) });
    expect(lines.join()).toContain(`process ${orphan?.pid}`);
    expect(processIdentity(orphan?.pid ?? 0)).toBeUndefined();
    await redis.stop();
  });

  it('does not stop an unrelated process with the number of an earlier server', async () => {
    const pid = bystander();
    const record = { server: { pid, startedAt: 'another time' }, port: 0 };
    writeFileSync(join(folder, 'server.json'), JSON.stringify(record));
    const redis = await startRedis({ dataDir: folder });
    await redis.stop();
    expect(processIdentity(pid)).toBeDefined();
  });
});

describe('a folder', () => {
  it('belongs to one running process', () => {
    const owner = processIdentity(bystander());
    writeFileSync(join(folder, 'owner.json'), JSON.stringify(owner));
    expect(() => claimFolder(folder)).toThrow(`in use by process ${owner?.pid}`);
  });

  it('can have one server per process', async () => {
    const redis = await startRedis({ dataDir: folder });
    await expect(startRedis({ dataDir: folder })).rejects.toThrow('already');
    expect(await withRedis(redis.url, (client) => client.ping())).toBe('PONG');
    await redis.stop();
  });

  it.each(['{"pid":', JSON.stringify({ pid: 1, startedAt: 'before the last boot' })])(
    'can be claimed when its owner has died: %s',
    (left) => {
      writeFileSync(join(folder, 'owner.json'), left);
      const release = claimFolder(folder);
      expect(existsSync(join(folder, 'owner.json'))).toBe(true);
      release();
      expect(existsSync(join(folder, 'owner.json'))).toBe(false);
    },
  );
});

describe('the reaper', () => {
  it('stops the servers and removes the folders of its parent after the parent has ended', async () => {
    const script = join(__dirname, '..', 'scripts', 'reaper.mjs');
    const reaper = spawn(process.execPath, [script], { stdio: ['pipe', 'inherit', 'inherit'] });
    const [left, finished] = [bystander(), bystander()];
    reaper.stdin.write(`{"watch":${left}}\n{"watch":${finished}}\n{"forget":${finished}}\n`);
    reaper.stdin.end(`${JSON.stringify({ removeAtEnd: folder })}\n`);
    await once(reaper, 'exit');
    expect([left, finished].map((pid) => processIdentity(pid) !== undefined)).toEqual([false, true]);
    expect(existsSync(folder)).toBe(false);
  });
});

describe('servers for tests', () => {
  it('are removed with their data when they are stopped', async () => {
    const servers = await startTemporaryServers({ postgres: true, redis: true });
    const pids = [servers.postgres?.pid, servers.redis?.pid].map((pid) => pid ?? 0);
    expect(pids.map((pid) => processIdentity(pid) !== undefined)).toEqual([true, true]);
    await servers.stop();
    expect(pids.map((pid) => processIdentity(pid) !== undefined)).toEqual([false, false]);
    expect(existsSync(servers.postgres?.dataFolder ?? '')).toBe(false);
  });

  it('provide an empty database and a separate prefix for each test file', async () => {
    const [one, other] = await Promise.all([freshDatabase(), freshDatabase()]);
    await askPostgres(one.url, 'CREATE TABLE mine ()');
    expect(await askPostgres(other.url, `SELECT to_regclass('mine') AS found`)).toEqual([{ found: null }]);
    await Promise.all([one.drop(), other.drop()]);
    await expect(askPostgres(one.url, 'SELECT 1')).rejects.toThrow('does not exist');
    expect(freshPrefix()).not.toBe(freshPrefix());
    expect(await withRedis(testRedisUrl(), (redis) => redis.ping())).toBe('PONG');
  });
});
