import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigCascadeModule, ConfigDirectory } from '@pns/config-cascade';
import { freshDatabase, freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { PersistenceModule } from '@pns/persistence';
import { QueueModule } from '@pns/queue';
import { log, nestLogger, RuntimeModule } from '@pns/runtime';
import { z } from 'zod';
import { ClientOptions, type OptionsOf } from './client-options';
import { ClientOptionsModule } from './client-options.module';

const file = 'pns-wns-options.yml';
const schema = z.strictObject({ sid: z.string() });
const fileSchema = (): z.ZodType<Readonly<Record<string, { sid: string }>>> => z.record(z.string(), schema);

let folder: string;
let database: FreshDatabase;
let app: INestApplicationContext;

beforeEach(async () => {
  log.level = 'silent';
  folder = mkdtempSync(join(tmpdir(), 'pns-client-options-'));
  database = await freshDatabase();
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

/** Changes the file and waits until that is obeyed, as far as it can be. */
async function rewrite(entries: object | string): Promise<void> {
  const noticed = once(part(ConfigDirectory), 'change', { signal: AbortSignal.timeout(5000) });
  write(entries);
  await noticed;
}

const optionsOf = (clients = part(ClientOptions)): OptionsOf<{ sid: string }> =>
  clients.of('wns', file, fileSchema, schema);

it('a changed file is obeyed, and an entry that did not change is the same object', async () => {
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
  const fault = { file, client: 'mail', reason: expect.stringMatching(/^sid /) as string };
  expect(logged.mock.calls).toEqual([[{ event: 'config.reload-refused', ...fault }]]);
  expect(clients.faults).toEqual([{ transport: 'wns', ...fault }]);
  await rewrite({ mail: { sid: 'mended' } });
  expect([options('mail'), clients.faults]).toEqual([{ sid: 'mended' }, []]);
});

it('a file that is not YAML at start is refused where its options are needed, and a fault where it is only looked at', () => {
  write('mail: [');
  expect(() => optionsOf()).toThrow(/pns-wns-options.yml is not YAML/);
  const clients = part(ClientOptions);
  clients.inspect('wns', file, fileSchema);
  expect(clients.faults).toMatchObject([{ transport: 'wns', file, reason: expect.stringContaining('YAML') as string }]);
});
