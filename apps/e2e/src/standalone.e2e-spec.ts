import { once } from 'node:events';
import { appendFileSync, chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, freshDatabase, type FreshDatabase } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { untilQuiet } from './until-quiet';
import { john, newMail } from './seeds';
import { freePorts, Standalone } from './standalone-process';

const started: Standalone[] = [];
const folders: string[] = [];
let dataDir: string;

/** Makes an empty folder for the data of the next starts. */
function newDataDir(): void {
  dataDir = mkdtempSync(join(tmpdir(), 'pns-standalone-'));
  chmodSync(dataDir, 0o755);
  folders.push(dataDir);
}

function start(env?: Record<string, string>): Standalone {
  const standalone = new Standalone(dataDir, env);
  started.push(standalone);
  return standalone;
}

async function endAll(): Promise<void> {
  await Promise.all(started.splice(0).map((each) => each.end('SIGTERM')));
}

afterEach(endAll);

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Copies the shipped configuration into a folder where a test may change it. */
function configCopy(): string {
  const copy = mkdtempSync(join(dataDir, 'edited-'));
  cpSync(join(__dirname, '../../../config'), copy, { recursive: true });
  return copy;
}

function serverPid(name: string): number {
  const record = readFileSync(join(dataDir, name, 'server.json'), 'utf8');
  return (JSON.parse(record) as { server: { pid: number } }).server.pid;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('npm start, several times on the same data', () => {
  beforeAll(newDataDir);

  it('shows a command that makes a push arrive, and leaves nothing behind when it is stopped', async () => {
    const pns = start();
    await pns.isRunning();
    const sockets = await Promise.all([pns.listen(john, 'v2'), pns.listen(john, 'v4')]);
    expect((await pns.example()).status).toBe(202);
    await Promise.all([...sockets.map((socket) => socket.got(1)), pns.arrived(1)]);
    await untilQuiet();
    for (const { received } of sockets) expect(received.map(({ frame }) => frame)).toEqual([['ox:mail:new', newMail]]);
    const [arrival, ...more] = (await pns.arrived(1)).items;
    expect(more).toEqual([]);
    expect(arrival).toMatchObject({ oxSignature: 'valid', standardWebhooks: 'valid' });
    expect(JSON.parse(arrival?.body ?? '')).toMatchObject({
      event: 'ox:mail:new',
      payload: { subject: "Let's meet", user: 14, context: 1, email1: 'john@example.com' },
    });
    const servers = ['postgres', 'redis'].map(serverPid);
    expect(servers.map(isThere)).toEqual([true, true]);
    for (const { socket } of sockets) socket.close();
    expect(await pns.end('SIGTERM')).toBe(0);
    expect(servers.map(isThere)).toEqual([false, false]);
  });

  it('also shows the example on other ports than the last time, and refuses to run twice on the same data', async () => {
    const first = start();
    await first.isRunning();
    const second = start();
    expect(await second.ended()).toBe(1);
    expect(second.output).toContain(`PNS runs already on this data, as process ${first.child.pid}.`);
    expect((await first.example()).status).toBe(202);
    expect((await first.arrived(1)).accepted).toBe(1);
    expect(await first.end('SIGINT')).toBe(0);
  });

  it('uses a configuration that names the port of the sandbox', async () => {
    const [config, port] = [configCopy(), String(await freePort())];
    const webhooks = join(config, 'webhooks.yml');
    writeFileSync(webhooks, readFileSync(webhooks, 'utf8').replace(':3002/', `:${port}/`));
    const pns = start({ ...freePorts, PNS_SANDBOX_PORT: port, PNS_CONFIG_DIR: config });
    await pns.isRunning();
    await pns.example();
    expect((await pns.arrived(1)).accepted).toBe(1);
  });

  it('starts without the demo also after a start with the demo', async () => {
    const config = configCopy();
    writeFileSync(join(config, 'webhooks.yml'), '');
    const pns = start({ ...freePorts, PNS_CONFIG_DIR: config });
    await pns.isRunning();
    expect(pns.output.match(/^The demo .* is left out: .*$/gm)).toHaveLength(1);
    expect(await pns.ready()).toBe(200);
  });
});

describe('npm start after a crash', () => {
  beforeAll(newDataDir);

  it('continues after a kill -9 with the same key, and delivers all accepted notifications', async () => {
    const ports: Record<string, string> = {};
    for (const variable of Object.keys(freePorts)) ports[variable] = String(await freePort());
    const first = start(ports);
    await first.isRunning();
    const secrets = readFileSync(join(dataDir, 'secrets.json'), 'utf8');
    expect((await first.example()).status).toBe(202);
    await first.end('SIGKILL');
    const second = start(ports);
    await second.isRunning();
    expect(readFileSync(join(dataDir, 'secrets.json'), 'utf8')).toBe(secrets);
    expect((await second.arrived(1)).accepted).toBe(1);
  });
});

describe('npm start with a Postgres that a variable names', () => {
  let database: FreshDatabase;
  let given: Record<string, string>;

  beforeEach(async () => {
    newDataDir();
    database = await freshDatabase();
    given = { ...freePorts, DATABASE_URL: database.url };
  });

  afterEach(async () => {
    await endAll();
    await database.drop();
  });

  it('applies edits of the configuration, also if it names another port of the sandbox', async () => {
    const config = configCopy();
    const pns = start({ ...given, PNS_CONFIG_DIR: config });
    await pns.isRunning();
    expect(await pns.faultyClients()).toEqual([]);
    appendFileSync(join(config, 'webhooks.yml'), 'mine: { uri: ftp://example.com }\n');
    await eventually('the entry is reported as faulty', async () => (await pns.faultyClients()).includes('mine'));
    await pns.example();
    expect((await pns.arrived(1)).accepted).toBe(1);
  });

  it('leaves the demo out where the port of the sandbox is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const pns = start({ ...given, PNS_SANDBOX_PORT: String(port) });
    await pns.isRunning();
    other.close();
    expect(pns.output.match(/^The demo .* is left out: .* PNS_SANDBOX_PORT=\d+ npm start\.$/gm)).toHaveLength(1);
    expect(await pns.ready()).toBe(200);
  });
});

describe('npm start, before it starts anything', () => {
  beforeAll(newDataDir);

  it('names a port that is in use and the variable that chooses another one', async () => {
    const other = createServer().listen(0, '0.0.0.0');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const pns = start({ ...freePorts, PNS_WEBSOCKET_PORT: String(port) });
    expect(await pns.ended()).toBe(1);
    expect(pns.output).toMatch(new RegExp(`^Port ${port} is in use .* PNS_WEBSOCKET_PORT=\\d+ npm start\\n$`));
    other.close();
  });

  it('stops with one sentence at a variable that it does not know', async () => {
    const pns = start({ ...freePorts, PNS_API_PROT: '3000' });
    expect(await pns.ended()).toBe(1);
    expect(pns.output).toBe('PNS_API_PROT is not a variable that PNS knows; correct or remove it.\n');
  });
});
