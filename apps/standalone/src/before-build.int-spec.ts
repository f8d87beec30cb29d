import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { claimFolder, freePort } from '@pns/local-servers';

const root = join(__dirname, '..', '..', '..');

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'pns-before-build-'));
});

afterEach(() => rmSync(dataDir, { recursive: true }));

/** Runs `npm start` with these variables; returns its exit code and all of its output. */
async function npmStart(env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const ports = { PNS_API_PORT: '0', PNS_WEBSOCKET_PORT: '0', PNS_SANDBOX_PORT: '0' };
  const child = execFile(process.execPath, [join(root, 'apps', 'standalone', 'scripts', 'start.mjs')], {
    env: { PATH: process.env['PATH'], PNS_DATA_DIR: dataDir, ...ports, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** The name of a fault, the variables that cause it, and the complete output, which contains no build. */
const faults: [string, () => Promise<Record<string, string>>, RegExp][] = [
  [
    'a variable that PNS does not know',
    () => Promise.resolve({ PNS_API_PROT: '3000' }),
    /^PNS_API_PROT is not a variable that PNS knows; correct or remove it\.\n$/,
  ],
  [
    'a bad value',
    () => Promise.resolve({ PNS_API_PORT: 'eighty' }),
    /^PNS_API_PORT: must be a whole number from 0 to 65535\. [^\n]*\n$/,
  ],
  [
    'a bad value of another app',
    () => Promise.resolve({ PNS_SHARDS: '0' }),
    /^PNS_SHARDS: must be a whole number from 1 to 1024\. [^\n]*\n$/,
  ],
  [
    'a folder of configuration that does not exist',
    () => Promise.resolve({ PNS_CONFIG_DIR: join(dataDir, 'nothing') }),
    /^PNS_CONFIG_DIR: \S+\/nothing does not exist\. [^\n]*\n$/,
  ],
  [
    'one port for two',
    async () => {
      const port = String(await freePort());
      return { PNS_API_PORT: port, PNS_WEBSOCKET_PORT: port };
    },
    /^Port \d+ is already the port of PNS_API_PORT\. [^\n]*PNS_WEBSOCKET_PORT=\d+ npm start\n$/,
  ],
];

it.each(faults)('%s ends the start before the build, with one sentence', async (_, env, sentence) => {
  const { code, output } = await npmStart(await env());
  expect(output).toMatch(sentence);
  expect(code).toBe(1);
});

it.each(['PNS_API_PORT', 'PNS_WEBSOCKET_PORT'])(
  'a port in use ends the start before the build: %s',
  async (variable) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, output } = await npmStart({ [variable]: String(port) });
    other.close();
    expect(output).toMatch(
      new RegExp(`^Port ${port} is in use by another program\\. [^\\n]*${variable}=\\d+ npm start\\n$`),
    );
    expect(code).toBe(1);
  },
);

it('another PNS on the same data ends the start before the build', async () => {
  const release = claimFolder(dataDir);
  const { code, output } = await npmStart({});
  release();
  expect(output).toMatch(new RegExp(`^PNS runs already on this data, as process ${process.pid}\\. [^\\n]*\\n$`));
  expect(code).toBe(1);
});
