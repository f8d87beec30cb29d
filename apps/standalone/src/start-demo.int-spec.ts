import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi } from '@pns/api';
import { freePort, freshPrefix, testRedisUrl, type FreshDatabase } from '@pns/local-servers';
import { migratedDatabase } from '@pns/persistence/testing';
import { log } from '@pns/runtime';
import { startDemo } from './start-demo';

const key = 'the bootstrap key of these tests';
let database: FreshDatabase;
/** The shipped configuration, to be edited. */
let configDir: string;

beforeEach(async () => {
  log.level = 'silent';
  database = await migratedDatabase();
  configDir = mkdtempSync(join(tmpdir(), 'pns-demo-'));
  cpSync(join(__dirname, '../../../config'), configDir, { recursive: true });
});

afterEach(async () => {
  rmSync(configDir, { recursive: true });
  await database.drop();
});

const write = (file: string, text: string): void => writeFileSync(join(configDir, file), text);

/** Completes the demo with an API that has this configuration. Returns the sandbox's URL and the lines for the user. */
async function completed(): Promise<{ sandboxUrl: string | undefined; lines: readonly string[] }> {
  const api = await createApi({
    ...{ databaseUrl: database.url, redisUrl: testRedisUrl(), configDir, shards: 1, bootstrapApiKey: key },
    ...{ sessionKey: 'the session secret of these tests', encryptionKeys: [Buffer.alloc(32, 'e')] },
    ...{ nodeEnv: 'test', redisPrefix: freshPrefix() },
  });
  try {
    await api.listen(0, '127.0.0.1');
    const { port } = api.getHttpServer().address() as { port: number };
    const lines: string[] = [];
    const demo = await startDemo({
      ports: { sandbox: await freePort(), sandboxFault: '' },
      api: { url: `http://127.0.0.1:${port}`, key },
      websocketUrl: 'http://127.0.0.1:1',
      say: (line) => lines.push(line),
    });
    const sandboxUrl = await demo?.complete(configDir);
    await demo?.close();
    return { sandboxUrl, lines };
  } finally {
    await api.close();
  }
}

it.each<[string, () => void]>([
  ['has no webhook sandbox', () => write('webhooks.yml', '')],
  ['does not enable the webhook sandbox', () => write('pns.properties', 'com.openexchange.webhooks.enabledIds=crm\n')],
  ['has another webhook of that name', () => write('webhooks.yml', 'sandbox: { uri: https://crm.example.com/push }\n')],
])("leaves the demo out, and says so in one line, where an operator's own configuration %s", async (_, edit) => {
  edit();
  const { sandboxUrl, lines } = await completed();
  expect(sandboxUrl).toBeUndefined();
  expect(lines).toEqual([expect.stringMatching(/^The demo .* is left out: .*$/)]);
});

it('completes the demo with the shipped configuration', async () => {
  const { sandboxUrl, lines } = await completed();
  expect(lines).toEqual([]);
  expect(sandboxUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});
