import { maxFileBytes, type FileContent } from '@pns/config-folder';
import { ConfigCascade } from './config-cascade';
import { ServerProperties } from './server-properties';

const pns = 'com.openexchange.pns';
const delay = `${pns}.delayDuration`;
const attempts = `${pns}.retry.attempts`;
const title = `${pns}.template.title`;

type Files = Readonly<Record<string, string | Buffer>>;

function read(files: Files, properties = new ServerProperties()) {
  const contents = Object.entries(files).map(([file, text]) => ({
    file,
    content: { bytes: Buffer.from(text as string) },
  }));
  const { scope, faults } = properties.read(contents);
  return { values: Object.fromEntries(scope.values), sources: Object.fromEntries(scope.sources ?? []), faults };
}

it('knows the file of each value, and skips properties of other software', () => {
  const { values, sources, faults } = read({
    'a.properties': `${delay}=1\n${attempts}=2\ncom.openexchange.mail.password=geheim\ntoString=x\n__proto__=y\nconstructor=z\n`,
    'b.properties': `${title}=x\n`,
  });
  expect(values).toEqual({ [delay]: '1', [attempts]: '2', [title]: 'x' });
  expect(sources).toEqual({ [delay]: 'a.properties', [attempts]: 'a.properties', [title]: 'b.properties' });
  expect(faults).toEqual([]);
});

it.each<[what: string, text: string, severity: string, entry: string | undefined, reason: RegExp]>([
  [
    'a value that is none',
    `${pns}.transport.gcm.enabled=yes`,
    'error',
    `${pns}.transport.gcm.enabled`,
    /^must be true or false$/,
  ],
  ['an empty value', `${delay}=`, 'error', delay, /^is empty and must be a whole number$/],
  ['a value below its range', `${attempts}=0`, 'error', attempts, /^must be at least 1$/],
  ['NUL', `${title}=a\0b`, 'error', title, /^must not contain NUL$/],
  ['half of a surrogate pair', `${title}=\\ud83d`, 'error', title, /surrogate/],
  ['a malformed escape', `${title}=C:\\users`, 'error', title, /\\u without four hexadecimal digits/],
  ['a malformed escape of other software', 'some.path=C:\\users', 'warning', undefined, /\\u without four/],
  ['a colon as separator', `${delay}: 5`, 'warning', `${delay}:`, /a colon is part of the name/],
  ['a colon in place of =', `${title}s:geheim`, 'warning', `${title}s:…`, /a colon is part of the name|is not known/],
  ['a key in place of a name', `${pns}.AIzaSyD3x4mpl3=5`, 'warning', undefined, /is not known/],
  ['a colon and a blank', `${delay} : 5`, 'error', delay, /must be a whole number; separate name and value with =/],
  ['a misspelt name', `${delay}s=5`, 'warning', `${delay}s`, new RegExp(`is not known; the nearest is ${delay}$`)],
  [
    'a name like no other',
    `${pns}.pigeons=5`,
    'warning',
    `${pns}.pigeons`,
    /is not known; GET \/v1\/config\/properties/,
  ],
  [
    'a name of the original',
    `${pns}.numMaxProcessorThreads=5`,
    'warning',
    `${pns}.numMaxProcessorThreads`,
    /^is not needed: /,
  ],
])('%s is a fault of its line', (_, line, severity, entry, reason) => {
  const { values, faults } = read({
    'a.properties': `# first\n${line}\ncom.openexchange.pns.audit.retention=86400000\n`,
  });
  expect(faults).toEqual([
    {
      ...{ file: 'a.properties', line: 2, severity, reason: expect.stringMatching(reason) as string },
      ...(entry === undefined ? {} : { entry }),
    },
  ]);
  expect(values).toEqual({ 'com.openexchange.pns.audit.retention': '86400000' });
});

it('a name that is set twice in a file has the value of the last line, and the warning names both lines', () => {
  const { values, faults } = read({ 'a.properties': `${delay}=1\n\n${delay}=2\n${delay}=soon\n` });
  expect(values).toEqual({ [delay]: '2' });
  expect(faults).toMatchObject([
    { line: 3, entry: delay, severity: 'warning', reason: 'is set in line 1 too; the last line is used' },
    { line: 4, entry: delay, severity: 'error', reason: 'must be a whole number' },
  ]);
});

it.each([
  ['a value that cannot be used', `${delay}=soon`],
  ['a line that cannot be read', `${delay}=\\u12`],
])('%s is not a fault if a later line replaces it', (_, line) => {
  const { values, faults } = read({ 'a.properties': `${line}\n${delay}=2\n` });
  expect(values).toEqual({ [delay]: '2' });
  expect(faults.filter(({ severity }) => severity === 'error')).toEqual([]);
});

it('a name that is set in two files has the value of the last file, and the warning names both places', () => {
  const { values, sources, faults } = read({ 'a.properties': `\n${delay}=1`, 'b.properties': `${delay}=2` });
  expect([values, sources]).toEqual([{ [delay]: '2' }, { [delay]: 'b.properties' }]);
  const reason = 'is set in a.properties, line 2, too; this file is used, because its name sorts last';
  expect(faults).toEqual([{ file: 'b.properties', line: 1, entry: delay, severity: 'warning', reason }]);
});

it.each<[what: string, bytes: Buffer]>([
  ['UTF-8', Buffer.from(`${title}=Grüße`)],
  ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${title}=Grüße`)],
  ['ISO-8859-1, as Java has it', Buffer.from(`${title}=Grüße`, 'latin1')],
  [
    'ISO-8859-1 beside lines in UTF-8',
    Buffer.concat([Buffer.from('# ü\n'), Buffer.from(`${title}=Grüße\n`, 'latin1')]),
  ],
  ['ASCII with escapes', Buffer.from(`${title}=Gr\\u00fc\\u00dfe`)],
])('reads %s', (_, bytes) => {
  expect(read({ 'a.properties': bytes })).toMatchObject({ values: { [title]: 'Grüße' }, faults: [] });
});

describe('content that becomes unusable', () => {
  const before = { 'a.properties': `${delay}=1\n${attempts}=2\n`, 'b.properties': `${title}=x\n` };
  const after = (files: Files) => {
    const properties = new ServerProperties();
    read(before, properties);
    return read(files, properties).values;
  };

  it.each<[what: string, text: string | Buffer]>([
    ['a bad value', `${delay}=soon\n${attempts}=2\n`],
    ['a malformed escape', `${delay}=\\u1\n${attempts}=2\n`],
    ['UTF-16', Buffer.from(`\ufeff${delay}=7\n${attempts}=2\n`, 'utf16le')],
    ['UTF-16 without a mark', Buffer.from(`${delay}=7\n${attempts}=2\n`, 'utf16le')],
    ['a picture', Buffer.from(Array.from({ length: 500 }, (_, index) => (index * 7919) % 256))],
  ])('keeps the previous values in effect: %s', (_, text) => {
    expect(after({ ...before, 'a.properties': text })).toEqual({ [delay]: '1', [attempts]: '2', [title]: 'x' });
  });

  it('is no longer in effect once the line or the file is removed', () => {
    expect(after({ 'a.properties': `${attempts}=3\n` })).toEqual({ [attempts]: '3' });
  });

  it('is replaced by a usable line of the same name', () => {
    expect(after({ ...before, 'a.properties': `${delay}=4\n${delay}=soon\n` })).toEqual({ [delay]: '4', [title]: 'x' });
  });

  it('is a file that cannot be read, too', () => {
    const properties = new ServerProperties();
    read(before, properties);
    const content: FileContent = { fault: `has more than ${maxFileBytes} bytes`, code: 'EFBIG' };
    const { scope, faults } = properties.read([{ file: 'a.properties', content }]);
    expect(Object.fromEntries(scope.values)).toEqual({ [delay]: '1', [attempts]: '2' });
    expect(faults).toEqual([{ file: 'a.properties', severity: 'error', reason: content.fault }]);
  });
});

describe('the value of a property that', () => {
  const folder = new ServerProperties();
  const certain = (files: Readonly<Record<string, string | undefined>>, properties = folder) => {
    const unreadable: FileContent = { fault: 'cannot be read (EACCES)', code: 'EACCES' };
    const contents = Object.entries(files).map(([file, text]) => ({
      file,
      content: text === undefined ? unreadable : { bytes: Buffer.from(text) },
    }));
    return new ConfigCascade(properties.read(contents).scope).certainValue(delay);
  };

  it.each<[string, Readonly<Record<string, string | undefined>>, number | undefined]>([
    ['no file names', { 'a.properties': `${attempts}=3` }, 1000],
    ['has another faulty line beside it', { 'a.properties': `${delay}=5\n${attempts}=many` }, 5],
    ['has a faulty line', { 'a.properties': `${delay}=soon` }, undefined],
    [
      'has a faulty line after a usable one in another file',
      { 'a.properties': `${delay}=5`, 'b.properties': `${delay}=soon` },
      undefined,
    ],
    [
      'has a usable line after a faulty one in another file',
      { 'a.properties': `${delay}=soon`, 'b.properties': `${delay}=5` },
      5,
    ],
    ['may be in an unreadable file', { 'a.properties': `${delay}=5`, 'b.properties': undefined }, undefined],
  ])('%s is %j: %s', (_, files, expected) => {
    expect(certain(files, new ServerProperties())).toBe(expected);
  });

  it('becomes unreadable is its earlier value, and is certain as soon as an unreadable file can be read', () => {
    expect(certain({ 'a.properties': undefined })).toBeUndefined();
    expect(certain({ 'a.properties': undefined })).toBeUndefined();
    expect(certain({ 'a.properties': `${delay}=5` })).toBe(5);
    expect(certain({ 'a.properties': `${delay}=soon` })).toBe(5);
    expect(certain({ 'a.properties': undefined })).toBe(5);
    expect(certain({})).toBe(1000);
  });
});
