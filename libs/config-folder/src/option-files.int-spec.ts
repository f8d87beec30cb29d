import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { log } from '@pns/runtime';
import { z } from 'zod';
import { ConfigDirectory } from './config-directory';
import type { OptionEntries } from './option-entries';
import { OptionFiles } from './option-files';

const file = 'clients.yml';

interface Options {
  readonly topic: string;
  readonly password?: string | undefined;
  readonly key?: string | undefined;
}

/** Options like those of transports: texts, and a key from a named file. */
const schemaOf = (readFile: (path: string) => Buffer): z.ZodType<Readonly<Record<string, Options>>> =>
  z.record(
    z.string().regex(/^[a-z]+$/, 'A client is some letters'),
    z.strictObject({
      topic: z.string(),
      password: z.string().optional(),
      key: z
        .string()
        .transform((path) => readFile(path).toString())
        .pipe(z.string().startsWith('key', 'holds no key'))
        .optional(),
    }),
  );

let folder: string;
let elsewhere: string;
let directory: ConfigDirectory | undefined;
let logged: jest.SpyInstance;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pns-options-'));
  elsewhere = mkdtempSync(join(tmpdir(), 'pns-elsewhere-'));
  log.level = 'silent';
  logged = jest.spyOn(log, 'error').mockImplementation(() => undefined);
});

afterEach(() => {
  logged.mockRestore();
  directory?.close();
  rmSync(folder, { recursive: true });
  rmSync(elsewhere, { recursive: true });
});

/** The entries of a file that has existed for a while, so that no change of it is pending. */
async function opened(text: string | Buffer): Promise<OptionEntries<Options>> {
  write(text);
  directory?.close();
  directory = new ConfigDirectory(folder);
  await directory.watch();
  const files = new OptionFiles(directory);
  return files.entries(
    file,
    schemaOf((path) => files.readFile(path)),
  );
}

/** Makes a change and waits until its usable part is in effect. */
async function afterwards(change: () => void): Promise<void> {
  if (directory === undefined) throw new Error('Nothing is opened.');
  const noticed = once(directory, 'change', { signal: AbortSignal.timeout(25_000) });
  change();
  await noticed;
}

const write = (text: string | Buffer): void => writeFileSync(join(folder, file), text);
const lines = (): unknown[] => logged.mock.calls.map(([line]) => line as unknown);

describe('at start', () => {
  it('a faulty entry is left out and named, and the others work', async () => {
    const entries = await opened('good: { topic: a }\nbad: { topic: 5, password: geheim }\nalso: { topic: b }\n');
    expect([entries.of('good'), entries.of('bad'), entries.of('also')]).toEqual([
      { topic: 'a' },
      undefined,
      { topic: 'b' },
    ]);
    const fault = { file, line: 2, reason: 'topic must be a string' };
    expect(entries.faults).toEqual([{ ...fault, client: 'bad' }]);
    expect(lines()).toEqual([{ event: 'config.fault', ...fault, entry: 'bad' }]);
  });

  it.each<[string, string, object]>([
    ['an unknown field', 'bad: { topic: a, tpoic: b }', { client: 'bad', reason: /tpoic/ }],
    ['an entry of nothing', 'bad:', { client: 'bad', reason: /^has no fields/ }],
    ['a name that is not the id of a client', '"b d": { topic: a }', { reason: /^A client is some letters$/ }],
    ['the name of what every object has', '__proto__: { topic: a }', { client: '__proto__', reason: /client/ }],
    ['a file that is not there', 'bad: { topic: a, key: nowhere }', { client: 'bad', reason: /ENOENT/ }],
  ])('%s is reported in a sentence', async (_, text, { reason, ...fault }: { reason?: RegExp }) => {
    expect((await opened(text)).faults).toEqual([
      { file, line: 1, ...fault, reason: expect.stringMatching(reason ?? '') as string },
    ]);
  });

  it('a file that is not text or has no entries is refused as a whole', async () => {
    expect((await opened(Buffer.from('\ufeffgood: {}', 'utf16le'))).unreadable).toBe(
      `${file} is UTF-16; save it as UTF-8`,
    );
    expect((await opened('- good')).unreadable).toBe(
      `${file}: has no entry; each entry begins with a name and a colon`,
    );
    expect((await opened('')).unreadable).toBeUndefined();
    expect((await opened('good: [')).unreadable).toBeUndefined();
  });

  it('an entry that is not YAML is refused like any other, and the others work', async () => {
    const entries = await opened('bad: [\ngood: { topic: a }\n');
    expect([entries.of('good'), entries.of('bad')]).toEqual([{ topic: 'a' }, undefined]);
    expect(entries.refusal('bad')).toMatch(/^clients.yml: is not YAML/);
    expect([entries.refusal('good'), entries.refusal('nobody')]).toEqual([undefined, undefined]);
  });

  it('no log line and no fault quotes a broken line', async () => {
    for (const text of [
      'mail:\n  password: "geheim\n',
      'mail: { topic: a, password:geheim }',
      'mail: { topic: a, password geheim }',
      'password: geheim',
      '{ password:geheim }',
      'mail: { topic: a, password: { geheim: 1 } }',
      'mail: { topic: a, whsec_geheim4711x: }',
      'mail: { topic: a, 0geheim: 1, 0geheim: 2 }',
    ]) {
      const { faults, unreadable } = await opened(text);
      expect(faults.length).toBeGreaterThan(0);
      expect(inspect([faults, unreadable, lines()], { depth: Infinity })).not.toContain('geheim');
    }
  });
});

describe('later', () => {
  it('a changed entry takes effect, and unchanged entries stay the same objects', async () => {
    const entries = await opened('first: { topic: a }\nsecond: { topic: b }\n');
    const first = entries.of('first');
    await afterwards(() => write('first: { topic: a }\nsecond: { topic: c }\nthird: { topic: d }\n'));
    expect(entries.of('first')).toBe(first);
    expect([entries.of('second'), entries.of('third')]).toEqual([{ topic: 'c' }, { topic: 'd' }]);
    await afterwards(() => write('first: { topic: a }\n'));
    expect(entries.of('second')).toBeUndefined();
  });

  it('a faulty change of an entry is refused and reported once, its previous options stay in effect, and other entries change', async () => {
    const entries = await opened('first: { topic: a }\nsecond: { topic: b }\n');
    await afterwards(() => write('first: { topic: 5 }\nsecond: { topic: c }\n'));
    expect([entries.of('first'), entries.of('second')]).toEqual([{ topic: 'a' }, { topic: 'c' }]);
    await afterwards(() => write('first: { topic: 5 }\nsecond: { topic: d }\n'));
    expect(lines()).toMatchObject([{ event: 'config.fault', file, entry: 'first' }]);
    expect(entries.faults).toMatchObject([{ client: 'first' }]);
    await afterwards(() => write('first: { topic: e }\n'));
    expect([entries.of('first'), entries.faults]).toEqual([{ topic: 'e' }, []]);
  });

  it.each<[what: string, text: string | Buffer]>([
    ['an entry that is not YAML any more', 'first: { topic: [\n'],
    ['a file that is not text any more', Buffer.from('\ufefffirst: {}', 'utf16le')],
    ['a file that has no entries any more', '- first\n'],
  ])('keeps the previous values in effect: %s', async (_, text) => {
    const entries = await opened('first: { topic: a }\n');
    await afterwards(() => write(text));
    expect(entries.of('first')).toEqual({ topic: 'a' });
    expect(lines()).toMatchObject([{ event: 'config.fault', file, reason: expect.any(String) as string }]);
    expect(entries.refusal('first')).toBeUndefined();
    await afterwards(() => write('first: { topic: b }\n'));
    expect([entries.of('first'), entries.faults]).toEqual([{ topic: 'b' }, []]);
  });
});

describe('a file that an entry names', () => {
  it.each<[string, (path: string) => void]>([
    ['is written anew', (path) => writeFileSync(path, 'key two')],
    [
      'is put in the place of the old one',
      (path) => {
        writeFileSync(`${path}.new`, 'key two');
        renameSync(`${path}.new`, path);
      },
    ],
  ])('outside of the folder is read again when it %s', async (_, replace) => {
    const path = join(elsewhere, 'app.key');
    writeFileSync(path, 'key one');
    const entries = await opened(`mail: { topic: a, key: ${path} }`);
    expect(entries.of('mail')?.key).toBe('key one');
    await afterwards(() => replace(path));
    expect(entries.of('mail')?.key).toBe('key two');
  });

  it('is read again when the link to its folder changes, as in a mounted secret', async () => {
    for (const [name, key] of Object.entries({ old: 'key one', new: 'key two' })) {
      mkdirSync(join(elsewhere, name));
      writeFileSync(join(elsewhere, name, 'app.key'), key);
    }
    symlinkSync('old', join(elsewhere, 'data'));
    const entries = await opened(`mail: { topic: a, key: ${join(elsewhere, 'data/app.key')} }`);
    await afterwards(() => {
      symlinkSync('new', join(elsewhere, 'data.new'));
      renameSync(join(elsewhere, 'data.new'), join(elsewhere, 'data'));
    });
    expect(entries.of('mail')?.key).toBe('key two');
  });

  it('in a deep subfolder is read as soon as it exists', async () => {
    mkdirSync(join(folder, 'keys/of/apps'), { recursive: true });
    const entries = await opened('mail: { topic: a, key: keys/of/apps/mail }');
    expect(entries.of('mail')).toBeUndefined();
    await afterwards(() => writeFileSync(join(folder, 'keys/of/apps/mail'), 'key one'));
    expect(entries.of('mail')?.key).toBe('key one');
  });

  it.each<[what: string, make: (path: string) => void, code: string]>([
    ['a folder', (path) => mkdirSync(path), 'EISDIR'],
    ['a pipe', (path) => execFileSync('mkfifo', [path]), 'ENXIO'],
    ['larger than any key', (path) => writeFileSync(path, Buffer.alloc(2 * 1024 * 1024)), 'EFBIG'],
    ['a link that leads nowhere', (path) => symlinkSync('nowhere', path), 'ENOENT'],
  ])('and that is %s cannot be read', (_, make, code) => {
    make(join(folder, 'app.key'));
    const files = new OptionFiles((directory = new ConfigDirectory(folder)));
    expect(() => files.readFile('app.key')).toThrow(expect.objectContaining({ code }) as Error);
  });

  it.each(['', ' '])('and whose path is %j is not there', (path) => {
    const files = new OptionFiles((directory = new ConfigDirectory(folder)));
    expect(() => files.readFile(path)).toThrow(expect.objectContaining({ code: 'ENOENT' }) as Error);
  });

  it('is read without a byte order mark, and as UTF-8 where it is UTF-16 with its mark', () => {
    const files = new OptionFiles((directory = new ConfigDirectory(folder)));
    for (const [name, bytes] of Object.entries({
      utf8: Buffer.from('\ufeffkey ü'),
      utf16le: Buffer.from('\ufeffkey ü', 'utf16le'),
      utf16be: Buffer.from('\ufeffkey ü', 'utf16le').swap16(),
    })) {
      writeFileSync(join(folder, name), bytes);
      expect(files.readFile(name).toString()).toBe('key ü');
    }
    writeFileSync(join(folder, 'binary'), Buffer.from([0x30, 0x82, 0, 0xff, 0xfe]));
    expect(files.readFile('binary')).toEqual(Buffer.from([0x30, 0x82, 0, 0xff, 0xfe]));
  });

  it('that is broken for a moment leaves the old content in use', async () => {
    const path = join(elsewhere, 'app.key');
    writeFileSync(path, 'key one');
    const entries = await opened(`mail: { topic: a, key: ${path} }`);
    await afterwards(() => writeFileSync(path, ''));
    expect(entries.of('mail')?.key).toBe('key one');
    expect(lines()).toEqual([{ event: 'config.fault', file, line: 1, entry: 'mail', reason: 'key holds no key' }]);
  });
});
