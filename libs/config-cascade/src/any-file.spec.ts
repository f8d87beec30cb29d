import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigDirectory, OptionFiles } from '@pns/config-folder';
import { log } from '@pns/runtime';
import fc from 'fast-check';
import { z } from 'zod';
import { CascadeFiles } from './cascade-files';
import { ConfigCascade } from './config-cascade';

const pns = 'com.openexchange.pns';
const delay = `${pns}.delayDuration`;
const optionFile = 'webhooks.yml';
const schema = z.record(z.string(), z.strictObject({ uri: z.string(), hosts: z.array(z.string()).optional() }));
const files = ['a.properties', 'm.properties', 'contextSets/m.yml', optionFile, 'contextSets/a.yml', 'z.properties'];

let folder: string;

beforeAll(() => {
  log.level = 'silent';
  folder = mkdtempSync(join(tmpdir(), 'pns-any-'));
  mkdirSync(join(folder, 'contextSets'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes `contents` as the files of the folder, reads them as an app does at its start, and returns the result. */
function start(contents: Readonly<Record<string, string | Uint8Array>>) {
  for (const file of files) rmSync(join(folder, file), { force: true });
  for (const [file, content] of Object.entries(contents)) writeFileSync(join(folder, file), content);
  const directory = new ConfigDirectory(folder, () => new CascadeFiles());
  try {
    const options = new OptionFiles(directory).entries(optionFile, schema);
    const cascade = new ConfigCascade();
    cascade.replaceFiles(directory.content);
    return {
      delay: cascade.resolve(delay, { context: 1, user: 2 }).value,
      attempts: cascade.resolve(`${pns}.retry.attempts`, { context: 1, user: 2 }),
      options: Object.fromEntries(options.all),
      sets: directory.content.sets.map(({ name }) => name),
      faults: directory.faults,
    };
  } finally {
    directory.close();
  }
}

/** A piece of a file. Pieces in a row make valid and almost valid files. */
const fragment = fc.constantFrom(
  ...[delay, `${pns}.transport.gcm.enabled`, 'withTags', 'uri', 'a', 'toString', '__proto__', 'constructor', '<<'],
  ...[
    '=',
    ':',
    ': ',
    ' ',
    '\n',
    '\r',
    '\r\n',
    '\t',
    '\f',
    '\\',
    '\\u',
    '\\u00e9',
    '\\\n',
    '#',
    '!',
    '5',
    'true',
    'soon',
  ],
  ...[
    '&x ',
    '*x',
    '{',
    '}',
    '[',
    ']',
    ',',
    '- ',
    '? ',
    '| ',
    '> ',
    '"',
    "'",
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '!!map ',
    '!x ',
  ],
  ...['\ufeff', '\ud83d', '\0', 'ü', '\u2028', '\x85', '\u00a0', '(((', '& ', '| ', 'https://a.example/'],
);
const nearlyValid = fc.array(fragment, { maxLength: 40 }).map((parts) => Buffer.from(parts.join('')));
const latin1 = fc.array(fragment, { maxLength: 40 }).map((parts) => Buffer.from(parts.join(''), 'latin1'));
const anyBytes = fc.oneof(
  nearlyValid,
  latin1,
  fc.uint8Array({ maxLength: 200 }),
  fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
);

it('no file prevents the start, and the other files stay in effect', () => {
  fc.assert(
    fc.property(
      fc.record(Object.fromEntries(['m.properties', 'contextSets/m.yml', optionFile].map((file) => [file, anyBytes]))),
      (any) => {
        const { attempts, sets, faults } = start({
          ...any,
          'a.properties': `${pns}.numProcessorThreads=3\n`,
          'contextSets/a.yml': `first: {withTags: '1', ${pns}.retry.attempts: 7}\n`,
        });
        expect(attempts).toEqual({ value: 7, origin: { scope: 'contextSet', id: 'first' } });
        expect(sets[0]).toBe('first');
        for (const { file, line = 1, reason } of faults) {
          expect(files).toContain(file);
          expect(line).toBeGreaterThan(0);
          expect(reason).toMatch(/\S/);
          expect(reason).not.toMatch(/Invalid|expected|received|undefined|NaN|\[object/);
        }
      },
    ),
    { numRuns: 300 },
  );
});

const oddLine = fc
  .oneof(
    fc.array(fragment, { maxLength: 12 }).map((parts) => parts.join('')),
    fc.string(),
  )
  .map((text) => text.replace(/[\n\r\0]/g, ''));

it('any line in a properties file leaves the others in effect', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3 }), oddLine, (at, odd) => {
      fc.pre(!/\\$/.test(odd)); // a line that ends with a backslash continues in the next line, as in Java
      const lines = [`${pns}.maxDelayDuration=1`, `${delay}=400`, `${pns}.numProcessorThreads=2`];
      lines.splice(at, 0, odd);
      const text = Buffer.from(lines.join('\n'));
      const { delay: found } = start({ 'm.properties': text });
      if (!odd.includes(delay)) expect(found).toBe(400);
    }),
    { numRuns: 300 },
  );
});

it('any line in an option file affects at most the entry before it', () => {
  const entries = ['one', 'two', 'three', 'four'].map((name) => ({
    name,
    text: `${name}:\n  uri: https://${name}.example/\n  hosts: [a, 'b']`,
  }));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4 }), oddLine, (at, odd) => {
      const texts = entries.map(({ text }) => text);
      texts.splice(at, 0, odd);
      const { options } = start({ [optionFile]: texts.join('\n') });
      for (const [index, { name }] of entries.entries()) {
        if (index === at - 1 || odd.includes(name)) continue;
        expect(options[name]).toEqual({ uri: `https://${name}.example/`, hosts: ['a', 'b'] });
      }
    }),
    {
      numRuns: 300,
      examples: [
        [1, '\ufeff'],
        [0, '\u00a0'],
        [0, '  x'],
        [0, '>'],
        [0, '? | !!map '],
        [0, '{}'],
        [0, ' : '],
        [1, '&x'],
        [2, '--- {'],
        [2, '? "'],
      ],
    },
  );
});
