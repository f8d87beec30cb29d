import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigDirectory } from '@pns/config-folder';
import { log, metrics } from '@pns/runtime';
import { CascadeFiles, type FolderScopes } from './cascade-files';

const pns = 'com.openexchange.pns';
const delay = `${pns}.delayDuration`;
const attempts = `${pns}.retry.attempts`;

let folder: string;
const opened: ConfigDirectory<FolderScopes>[] = [];
let lines: jest.SpyInstance[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pns-config-'));
  lines = (['error', 'warn', 'info'] as const).map((level) =>
    jest.spyOn(log, level).mockImplementation(() => undefined),
  );
});

afterEach(() => {
  jest.restoreAllMocks();
  for (const directory of opened.splice(0)) directory.close();
  rmSync(folder, { recursive: true });
});

function open(): ConfigDirectory<FolderScopes> {
  const directory = new ConfigDirectory(folder, () => new CascadeFiles());
  opened.push(directory);
  return directory;
}

const write = (file: string, text: string | Buffer): void => writeFileSync(join(folder, file), text);
const valuesOf = ({ content }: ConfigDirectory<FolderScopes>) => Object.fromEntries(content.server.values);
const logged = (): unknown[] => lines.flatMap((spy) => spy.mock.calls.map(([line]) => line as unknown));

/** Makes a change and waits until it is in effect. */
async function afterwards(directory: ConfigDirectory<FolderScopes>, change: () => void): Promise<void> {
  const noticed = once(directory, 'change', { signal: AbortSignal.timeout(25_000) });
  change();
  await noticed;
}

async function gauge(name: string): Promise<Record<string, number>> {
  const { values } = (await metrics.getSingleMetric(name)?.get()) ?? { values: [] };
  return Object.fromEntries(values.map(({ labels, value }) => [String(labels['file'] ?? ''), value]));
}

it('reports all faults at once, each once for all apps of the process', () => {
  write('a.properties', `${delay}s=0\n${delay}=soon\n${attempts}=3\ncom.openexchange.mail.folder=INBOX\n`);
  mkdirSync(join(folder, 'contextSets'));
  write('contextSets/a.yml', `gold:\n  ${delay}: 1\n`);
  const [one, other] = [open(), open()];
  const faults = [
    { file: 'a.properties', line: 1, entry: `${delay}s`, reason: `is not known; the nearest is ${delay}` },
    { file: 'a.properties', line: 2, entry: delay, reason: 'must be a whole number' },
    {
      file: 'contextSets/a.yml',
      line: 1,
      entry: 'gold',
      reason: 'withTags is missing; it selects the contexts of the set',
    },
  ];
  for (const { faults: found } of [one, other]) expect(found).toMatchObject(faults);
  expect(logged()).toHaveLength(3);
  expect(logged()).toEqual(expect.arrayContaining(faults.map((fault) => ({ event: 'config.fault', ...fault }))));
  expect(valuesOf(other)).toEqual({ [attempts]: '3' });
});

it('logs a fault again when it reappears, and not because it moved', async () => {
  write('a.properties', `${delay}=soon\n`);
  const directory = open();
  await directory.watch();
  const faultLines = () => logged().filter((line) => (line as { event: string }).event === 'config.fault').length;
  await afterwards(directory, () => write('a.properties', `\n\n${delay}=soon\n${attempts}=4\n`));
  expect([faultLines(), directory.faults[0]?.line, valuesOf(directory)]).toEqual([1, 3, { [attempts]: '4' }]);
  await afterwards(directory, () => write('a.properties', `${delay}=5\n`));
  expect([faultLines(), directory.faults]).toEqual([1, []]);
  await afterwards(directory, () => write('a.properties', `${delay}=soon\n`));
  expect([faultLines(), valuesOf(directory)]).toEqual([2, { [delay]: '5' }]);
  expect(logged()).toContainEqual({ event: 'config.reloaded', errors: 0, warnings: 0 });
});

it('exports how many faults each file has, and whether the whole folder is in effect', async () => {
  write('good.properties', `${delay}=1\n`);
  write('odd.properties', `${delay}s=1\n`);
  const directory = open();
  expect(await gauge('pns_config_faults')).toEqual({ 'good.properties': 0, 'odd.properties': 1 });
  expect(await gauge('pns_config_last_reload_success')).toEqual({ '': 1 });
  await directory.watch();
  await afterwards(directory, () => write('good.properties', `${delay}=soon\n${attempts}=x\n`));
  expect(await gauge('pns_config_faults')).toEqual({ 'good.properties': 2, 'odd.properties': 1 });
  expect(await gauge('pns_config_last_reload_success')).toEqual({ '': 0 });
  await afterwards(directory, () => rmSync(join(folder, 'odd.properties')));
  await afterwards(directory, () => write('good.properties', ''));
  expect(await gauge('pns_config_faults')).toEqual({ 'good.properties': 0 });
  expect(await gauge('pns_config_last_reload_success')).toEqual({ '': 1 });
});

describe('is not configuration:', () => {
  it.each([
    ...['.a.properties', '.a.properties.swp', '.#a.properties', '#a.properties#', 'a.properties~', 'a.properties.bak'],
    ...['a.properties.rpmnew', 'a.txt', 'other.yml', '4913', '._a.properties', '~a.properties'],
    ...[
      'contextSets/.a.yml',
      'contextSets/.a.yml.swp',
      'contextSets/#a.yml#',
      'contextSets/a.yml~',
      'contextSets/README',
    ],
  ])('%s', (file) => {
    mkdirSync(join(folder, 'contextSets'));
    write(file, `${delay}=soon\n- [`);
    const directory = open();
    expect([directory.faults, valuesOf(directory), directory.content.sets]).toEqual([[], {}, []]);
  });

  it('a folder or a dangling link of another name', () => {
    mkdirSync(join(folder, 'folder'));
    mkdirSync(join(folder, 'contextSets/deeper'), { recursive: true });
    symlinkSync('nowhere', join(folder, 'link'));
    symlinkSync('editor@host.123', join(folder, '.#a.properties'));
    expect(open().faults).toEqual([]);
  });
});

describe('does not prevent the start and is reported:', () => {
  it.each<[what: string, make: (path: string) => void, reason: RegExp]>([
    ['a folder with the name of a file', (path) => mkdirSync(path), /^is a folder, but must be a file$/],
    ['a pipe', (path) => execFileSync('mkfifo', [path]), /^is not a regular file$/],
    ['a link that leads nowhere', (path) => symlinkSync('nowhere', path), /^is a link to a file that does not exist$/],
    ['a link to itself', (path) => symlinkSync(path, path), /^cannot be read \(ELOOP\)$/],
    ['a link to what never ends', (path) => symlinkSync('/dev/zero', path), /^is not a regular file$/],
    ['a huge file', (path) => writeFileSync(path, Buffer.alloc(2 * 1024 * 1024, '#')), /^has more than 1048576 bytes$/],
    ['UTF-16', (path) => writeFileSync(path, Buffer.from('\ufeffa=b', 'utf16le')), /^is UTF-16; save it as UTF-8$/],
    [
      'a picture',
      (path) => writeFileSync(path, Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')),
      /^is not text$/,
    ],
  ])('%s', (_, make, reason) => {
    mkdirSync(join(folder, 'contextSets'));
    write('good.properties', `${delay}=1\n`);
    make(join(folder, 'bad.properties'));
    make(join(folder, 'contextSets/bad.yml'));
    const directory = open();
    const fault = { severity: 'error', reason: expect.stringMatching(reason) as string };
    expect(directory.faults).toEqual([
      { file: 'bad.properties', ...fault },
      { file: 'contextSets/bad.yml', ...fault },
    ]);
    expect(valuesOf(directory)).toEqual({ [delay]: '1' });
  });

  it('a file in the place of the folder of context sets', () => {
    write('contextSets', '');
    expect(open().faults).toEqual([{ file: 'contextSets', severity: 'error', reason: 'must be a folder' }]);
  });

  it.each([
    ['pushClientConfig/apn.yml', 'pushClientConfig', /-ios or -android/],
    ['meta/pns.yml', 'meta', /`final`/],
    ['pns-mobile-api-facade-clients.yml', 'pns-mobile-api-facade-clients.yml', /is not needed/],
    ['webhooks.yaml', 'webhooks.yaml', /is not read: its name must be webhooks\.yml$/],
    ['Webhooks.yml', 'Webhooks.yml', /is not read: its name must be webhooks\.yml$/],
    ['pns-apnss-options.yml', 'pns-apnss-options.yml', /its name must be pns-apns-options\.yml$/],
    ['webhook.yml', 'webhook.yml', /is not read: its name must be webhooks\.yml$/],
    ['contextsets/sets.yml', 'contextsets', /its name here is contextSets\/$/],
  ])('%s, which is not read', (path, file, reason) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    write(path, 'a: {}\n');
    expect(open().faults).toEqual([{ file, severity: 'warning', reason: expect.stringMatching(reason) as string }]);
  });
});

it('while the folder is missing, the previous values stay in effect', async () => {
  write('a.properties', `${delay}=5\n`);
  mkdirSync(join(folder, 'contextSets'));
  write('contextSets/a.yml', 'gold: {withTags: vip}\n');
  const directory = open();
  await directory.watch();
  await afterwards(directory, () => renameSync(folder, `${folder}-away`));
  expect(directory.faults).toEqual([{ file: '.', severity: 'error', reason: 'cannot be read (ENOENT)' }]);
  expect([valuesOf(directory), directory.content.sets.length]).toEqual([{ [delay]: '5' }, 1]);
  await afterwards(directory, () => renameSync(`${folder}-away`, folder));
  expect(directory.faults).toEqual([]);
});

it('applies a mounted folder whose links all change at once, as for a Kubernetes ConfigMap', async () => {
  for (const [name, value] of [
    ['..1', 1],
    ['..2', 2],
  ] as const) {
    mkdirSync(join(folder, name));
    write(`${name}/a.properties`, `${delay}=${value}\n`);
  }
  symlinkSync('..1', join(folder, '..data'));
  symlinkSync('..data/a.properties', join(folder, 'a.properties'));
  const directory = open();
  await directory.watch();
  expect(valuesOf(directory)).toEqual({ [delay]: '1' });
  await afterwards(directory, () => {
    symlinkSync('..2', join(folder, '..data.new'));
    renameSync(join(folder, '..data.new'), join(folder, '..data'));
  });
  expect(valuesOf(directory)).toEqual({ [delay]: '2' });
});

it('an app that closes leaves the folder to the others', async () => {
  write('a.properties', `${delay}=1\n`);
  const [one, other] = [open(), open()];
  await Promise.all([one.watch(), other.watch()]);
  one.close();
  one.close();
  await afterwards(other, () => write('a.properties', `${delay}=2\n`));
  expect(valuesOf(other)).toEqual({ [delay]: '2' });
});

it.each([
  ['does not exist', 'nowhere'],
  ['is not a folder', 'file'],
])('a folder that %s is refused with a sentence', (what, name) => {
  write('file', '');
  expect(() => new ConfigDirectory(join(folder, name), () => new CascadeFiles())).toThrow(
    `${join(folder, name)}, which ${what}; `,
  );
});
