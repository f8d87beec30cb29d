import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientOptions, ClientOptionsModule, ConfigDirectory, OptionFiles, type OptionsOf } from '@pns/config-folder';
import { freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { ClientTransportStore, PersistenceModule } from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
import { QueueModule } from '@pns/queue';
import { log, nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import { z } from 'zod';
import { ConfigCascade } from './config-cascade';
import { ConfigCascadeModule } from './config-cascade.module';
import { ConfigChanges } from './config-changes';

const file = 'pns-wns-options.yml';
const schema = z.strictObject({ sid: z.string(), enabled: z.boolean().optional() });
const fileSchema = (): z.ZodType<Readonly<Record<string, { sid: string }>>> => z.record(z.string(), schema);
const key = { client: 'mail', transport: 'wns' } as const;

let folder: string;
let database: FreshDatabase;
let app: INestApplicationContext;

beforeEach(async () => {
  log.level = 'silent';
  folder = mkdtempSync(join(tmpdir(), 'pns-client-options-'));
  database = await migratedDatabase();
  write({ mail: { sid: 'of the file' }, calendar: { sid: 'of the file' } });
  app = await NestFactory.createApplicationContext(
    {
      module: class {},
      imports: [
        RuntimeModule,
        QueueModule.forRoot({ redisUrl: testRedisUrl(), shards: 1, prefix: freshPrefix() }),
        ConfigCascadeModule.forRoot({ configDir: folder }),
        PersistenceModule.forRoot({ databaseUrl: database.url, encryptionKeys: [Buffer.alloc(32, 'k')] }),
        ClientOptionsModule,
      ],
    },
    { logger: nestLogger },
  );
});

afterEach(async () => {
  jest.restoreAllMocks();
  await app.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const part = <Part>(token: abstract new (...args: never[]) => Part): Part => app.get<Part>(token, { strict: false });

function write(entries: object | string): void {
  writeFileSync(join(folder, file), typeof entries === 'string' ? entries : JSON.stringify(entries));
}

/** Changes the file and waits until the usable part of the change is in effect. */
async function rewrite(entries: object | string): Promise<void> {
  const noticed = once(part(ConfigDirectory), 'change', { signal: AbortSignal.timeout(25_000) });
  write(entries);
  await noticed;
}

async function set(sid: unknown): Promise<void> {
  await part(ConfigChanges).make({ scope: 'server' }, () => part(ClientTransportStore).put(key, { sid }));
}

const optionsOf = (clients = part(ClientOptions)): OptionsOf<{ sid: string }> =>
  clients.of('wns', file, fileSchema, schema);

it('a changed file takes effect, and an unchanged entry stays the same object', async () => {
  const options = optionsOf();
  const calendar = options('calendar');
  await rewrite({ mail: { sid: 'another' }, calendar: { sid: 'of the file' } });
  expect(options('mail')).toEqual({ sid: 'another' });
  expect(options('calendar')).toBe(calendar);
  expect(options('nobody')).toBeUndefined();
});

it('a bad change is refused with a line in the log, and the old options stay', async () => {
  const logged = jest.spyOn(log, 'error').mockImplementation(() => undefined);
  const clients = part(ClientOptions);
  const options = optionsOf();
  await rewrite({ mail: { sid: 5 }, calendar: { sid: 'another' } });
  expect([options('mail'), options('calendar')]).toEqual([{ sid: 'of the file' }, { sid: 'another' }]);
  const fault = { file, line: 1, reason: 'sid must be a string' };
  expect(logged.mock.calls).toEqual([[{ event: 'config.fault', ...fault, entry: 'mail' }]]);
  expect(clients.faults).toEqual([{ transport: 'wns', ...fault, client: 'mail' }]);
  await rewrite({ mail: { sid: 'mended' } });
  expect([options('mail'), clients.faults]).toEqual([{ sid: 'mended' }, []]);
});

it('a file that is not YAML does not prevent the start, and its clients are refused rather than missing', () => {
  write('mail: [');
  const clients = part(ClientOptions);
  const options = optionsOf(clients);
  expect(options('mail')).toBeUndefined();
  const reason = expect.stringContaining('YAML') as string;
  expect(clients.faults).toMatchObject([{ transport: 'wns', file, reason }]);
  expect(clients.standing('wns', 'mail')).toEqual({ kind: 'refused', reason });
});

it('distinguishes a refused client from a client without an entry', async () => {
  write({ mail: { sid: 5 }, calendar: { sid: 'x' }, tasks: { sid: 'x', enabled: false } });
  const clients = part(ClientOptions);
  optionsOf(clients);
  const kinds = () => ['mail', 'calendar', 'tasks', 'nobody'].map((client) => clients.standing('wns', client).kind);
  expect(kinds()).toEqual(['refused', 'usable', 'switched-off', 'missing']);
  expect([...clients.clients('wns')].sort()).toEqual(['calendar', 'mail', 'tasks']);
  await set('of the API');
  expect(clients.standing('wns', 'mail')).toEqual({ kind: 'usable' });
  await set(5);
  expect(clients.standing('wns', 'mail')).toMatchObject({
    kind: 'refused',
    reason: expect.stringMatching(/API.*sid/s) as string,
  });
});

it('options of the API take precedence, and are in effect when the write resolves', async () => {
  const options = optionsOf();
  await set('of the API');
  expect(options('mail')).toEqual({ sid: 'of the API' });
  expect(options('mail')).toBe(options('mail'));
  await part(ConfigChanges).make({ scope: 'server' }, () => part(ClientTransportStore).remove(key));
  expect(options('mail')).toEqual({ sid: 'of the file' });
});

it('options of the API that become unreadable leave the client without options', async () => {
  const logged = jest.spyOn(log, 'error').mockImplementation(() => undefined);
  const options = optionsOf();
  await set(5);
  expect(options('mail')).toBeUndefined();
  expect(logged.mock.calls).toMatchObject([[{ event: 'client-options.unreadable', client: 'mail' }]]);
});

it('a late answer of Postgres does not restore older options', async () => {
  const store = part(ClientTransportStore);
  const held = new EventEmitter();
  let reads = 0;
  const slow = {
    all: async () => {
      const isLate = ++reads === 2; // the first read after the read at the start
      const rows = await store.all();
      if (isLate) {
        const released = once(held, 'release');
        held.emit('read');
        await released;
      }
      return rows;
    },
  };
  const clients = await ClientOptions.open(part(OptionFiles), slow, part(ConfigCascade));
  const [options, others] = [optionsOf(clients), optionsOf()];
  const hasRead = once(held, 'read');
  const first = set('older');
  await hasRead;
  const second = set('newer');
  await eventually('the options are in effect', () => others('mail')?.sid === 'newer');
  await store.all(); // earlier reads are answered when this read resolves
  held.emit('release');
  await Promise.all([first, second]);
  expect(options('mail')).toEqual({ sid: 'newer' });
  clients.close();
});

it('while Postgres is away the known options stay in effect, and new ones take effect when it is back', async () => {
  const store = part(ClientTransportStore);
  let isAway = false;
  const flaky = { all: () => (isAway ? Promise.reject(new Error('away')) : store.all()) };
  const clients = await ClientOptions.open(part(OptionFiles), flaky, part(ConfigCascade));
  const options = optionsOf(clients);
  const warned = jest.spyOn(log, 'warn').mockImplementation(() => undefined);
  isAway = true;
  await set('newer');
  expect(options('mail')).toEqual({ sid: 'of the file' });
  // The process may log the failed reload twice, because it also receives its own change.
  expect(warned).toHaveBeenCalled();
  for (const [line] of warned.mock.calls) expect(line).toEqual({ event: 'client-options.not-loaded', reason: 'away' });
  isAway = false;
  await eventually('the options are in effect', () => options('mail')?.sid === 'newer');
  clients.close();
});
