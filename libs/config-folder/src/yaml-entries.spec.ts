import { inspect } from 'node:util';
import { fileText } from './file-content';
import { yamlEntries, type YamlEntries } from './yaml-entries';

function read(text: string | Buffer): YamlEntries {
  const lines = fileText(Buffer.from(text as string));
  if ('fault' in lines) throw new Error(lines.fault);
  return yamlEntries(lines);
}

const valuesIn = (text: string | Buffer) =>
  Object.fromEntries(read(text).entries.map(({ name, value }) => [name, value]));

it('reads entries with the lines of their fields', () => {
  const { entries, faults, warnings } = read('# first\nmail:\n  password: "12"\n\n  hosts: [a, b]\ntasks: {}\n');
  expect([faults, warnings]).toEqual([[], []]);
  expect(entries).toMatchObject([
    { name: 'mail', value: { password: '12', hosts: ['a', 'b'] }, line: 2 },
    { name: 'tasks', value: {}, line: 6 },
  ]);
  const lines = [['password'], ['hosts', 1], ['nothing'], []].map((path) => entries[0]?.lineOf(path));
  expect(lines).toEqual([3, 5, 2, 2]);
});

it('lets errors after a fault have the stacks that they had before', () => {
  const before = Error.stackTraceLimit;
  expect(read('a: [1, }\nb: 1\n').faults).toHaveLength(1);
  expect(Error.stackTraceLimit).toBe(before);
  expect(before).toBeGreaterThan(0);
});

it.each(['', '# nothing\n', '---\n', '\ufeff', '~\n'])('%j has no entries', (text) => {
  expect(read(text)).toEqual({ entries: [], faults: [], warnings: [] });
});

it.each<[what: string, text: string, values: object]>([
  ['CR LF', 'a: 1\r\nb: 2\r\n', { a: 1, b: 2 }],
  ['CR', 'a:\r  c: 1\rb: 2\r', { a: { c: 1 }, b: 2 }],
  ['a byte order mark', '\ufeffa: 1\n', { a: 1 }],
  ['names that are numbers', '42: 1\n1.50: 2\n', { '42': 1, '1.50': 2 }],
  [
    'names that every object has',
    'constructor: {toString: 1}\ntoString: {constructor: 2}\n',
    { constructor: { toString: 1 }, toString: { constructor: 2 } },
  ],
  ['a merge key', 'a: &d {x: 1, y: 1}\nb: {<<: *d, y: 2}\n', { a: { x: 1, y: 1 }, b: { x: 1, y: 2 } }],
  [
    'several merge keys, of which the first decides',
    'a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n',
    { a: { x: 1 }, b: { x: 2, y: 2 }, c: { x: 1, y: 2 } },
  ],
  ['a merge of a merge', 'a: &a {x: 1}\nb: &b {<<: *a}\nc: {<<: *b}\n', { a: { x: 1 }, b: { x: 1 }, c: { x: 1 } }],
  ['a merge key as YAML 1.1 has it', '%YAML 1.1\n---\na: &d {x: 1}\nb: {<<: *d}\n', { a: { x: 1 }, b: { x: 1 } }],
  ['a quoted <<, which is a name', 'a: {"<<": 1}\n', { a: { '<<': 1 } }],
  ['an anchor of a text and of a list', 'a: &t x\nb: &l [*t, *t]\nc: *l\n', { a: 'x', b: ['x', 'x'], c: ['x', 'x'] }],
])('reads %s', (_, text, values) => {
  expect(read(text).faults).toEqual([]);
  expect(valuesIn(text)).toEqual(values);
});

it('reports duplicates with both lines, and uses the last one', () => {
  const { warnings } = read('a: {x: 1}\nb:\n  c: 1\n  c: 2\na: {x: 2}\n');
  expect(valuesIn('a: {x: 1}\nb:\n  c: 1\n  c: 2\na: {x: 2}\n')).toEqual({ b: { c: 2 }, a: { x: 2 } });
  expect(warnings).toEqual([
    { line: 4, entry: 'b', reason: 'has c in line 3 too; the last one is used', before: 3, field: 'c' },
    { line: 5, entry: 'a', reason: 'is in line 1 too; the last one is used', before: 1 },
  ]);
});

it('reads __proto__ like any other name', () => {
  const { entries } = read('__proto__: {x: 1}\nb: {__proto__: {y: 1}}\n');
  expect(entries.map(({ name }) => name)).toEqual(['__proto__', 'b']);
  expect(Object.keys(entries[1]?.value as object)).toEqual(['__proto__']);
  expect(Object.getPrototypeOf(entries[1]?.value)).toBe(Object.prototype);
});

describe('an unreadable part affects only its own entry', () => {
  it.each<[what: string, text: string | Buffer, line: number, reason: RegExp]>([
    ['a quote that is not closed', 'bad:\n  password: "geheim\n  topic: a\n', 4, /MISSING_CHAR/],
    ['a broken list', 'bad: [geheim\n', 1, /BAD_INDENT/],
    ['a line that is not a field', 'bad:\n  topic: a\n  password=geheim\n', 3, /MISSING_CHAR/],
    ['a second colon', 'bad:\n  password: geheim: x\n', 2, /BLOCK_AS_IMPLICIT_KEY/],
    ['a tab', 'bad:\n\tpassword: geheim\n', 2, /indented with a tab; use blanks \(TAB_AS_INDENT\)/],
    ['a password that begins with *', 'bad:\n  password: *geheim\n', 2, /an alias \(\*\) without an anchor; quote/],
    ['a password that begins with !', 'bad:\n  password: !geheim\n', 2, /a tag \(!\) is not known; quote/],
    ['a merge of a text', 'bad:\n  <<: geheim\n', 2, /has a merge key \(<<\) that names no entry with fields/],
    ['an alias of itself', 'bad: &x\n  password: [geheim, *x]\n', 2, /an alias of itself/],
    ['deep nesting', `bad: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`, 1, /nested too deeply/],
    ['deep lists', `bad:\n  ${'- '.repeat(20_000)}x\n`, 1, /nested too deeply/],
    ['deep keys', `bad:\n  ${'? '.repeat(20_000)}x\n`, 1, /nested too deeply/],
    ['a field with a list as its name', 'bad:\n  ? [geheim]\n  : 1\n', 2, /a field whose name is not text/],
    ['bytes that are not UTF-8', Buffer.from('bad:\n  password: p\xe4ss\n', 'latin1'), 2, /is not UTF-8/],
  ])('%s', (_, text, line, reason) => {
    const bytes = Buffer.concat([Buffer.from(text as string), Buffer.from('good: {x: 1}\n')]);
    const { faults } = read(bytes);
    expect(valuesIn(bytes)).toEqual({ good: { x: 1 } });
    const fault = { line: expect.any(Number) as number, entry: 'bad', reason: expect.stringMatching(reason) as string };
    expect(faults).toEqual([fault]);
    expect(Math.abs((faults[0]?.line ?? 0) - line)).toBeLessThanOrEqual(1);
    expect(inspect(faults, { depth: Infinity })).not.toContain('geheim');
  });

  it.each(['- ', '? ', ': ', '[', '{', '? - '])('a file that consists of many %j has one fault', (opening) => {
    const { faults } = read(Buffer.from(opening.repeat(20_000)));
    expect(faults).toEqual([{ line: 1, reason: 'is not YAML: it is nested too deeply (RESOURCE_EXHAUSTION)' }]);
  });

  it('nesting over many lines too', () => {
    const stairs = Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}bad:\n`).join('');
    const brackets = 'bad:\n' + ' [\n'.repeat(300) + ' ]\n'.repeat(300);
    for (const text of [stairs, brackets]) {
      const bytes = Buffer.from(`${text}good: {x: 1}\n`);
      expect(valuesIn(bytes)).toEqual({ good: { x: 1 } });
      expect(read(bytes).faults[0]?.reason).toContain('nested too deeply');
    }
  });

  it('also when anchors of one entry are used in another', () => {
    const text = 'base: &d {x: 1}\nbad: {\nuser: {<<: *d}\n';
    expect(valuesIn(text)).toEqual({ base: { x: 1 }, user: { x: 1 } });
  });

  it('also when lines of a merge conflict are between entries', () => {
    const { faults } = read('<<<<<<< HEAD\na: {x: 1}\n=======\nb: {x: 2}\n>>>>>>> theirs\n');
    expect(valuesIn('<<<<<<< HEAD\na: {x: 1}\n=======\nb: {x: 2}\n>>>>>>> theirs\n')).toEqual({
      a: { x: 1 },
      b: { x: 2 },
    });
    expect(faults.map(({ line, entry }) => [line, entry])).toEqual([
      [1, undefined],
      [3, undefined],
      [5, undefined],
    ]);
  });

  it('also when the file has several documents', () => {
    expect(valuesIn('a: 1\n---\nb: 2\n')).toEqual({ a: 1, b: 2 });
    expect(read('a: 1\n---\nb: 2\n').faults).toMatchObject([
      { line: 2, reason: expect.stringContaining('several documents') as string },
    ]);
  });
});

it.each(['- a\n', 'text\n', '[a, b]\n', '{a: {b: 1}, c: [}\n'])('%j has a fault as a whole', (text) => {
  const { entries, faults } = read(text);
  expect(entries).toEqual([]);
  expect(faults).toMatchObject([{ line: 1 }]);
  expect(faults[0]).not.toHaveProperty('entry');
});

describe('anchors', () => {
  it('can be used any number of times', () => {
    const uses = Array.from({ length: 3000 }, (_, index) => `user${index}: {<<: *d, n: ${index}}\n`).join('');
    const { entries, faults } = read(`base: &d {x: 1}\n${uses}`);
    expect(faults).toEqual([]);
    expect(entries).toHaveLength(3001);
    expect(entries.at(-1)?.value).toEqual({ x: 1, n: 2999 });
  });

  it('that multiply each other make only entries that grow too large unreadable', () => {
    const names = Array.from({ length: 30 }, (_, index) => `a${index}`);
    const bombs = names
      .slice(1)
      .map((name, index) => `${name}: &${name} [${Array<string>(9).fill(`*a${index}`).join(', ')}]\n`);
    const { entries, faults } = read(`a0: &a0 [x]\n${bombs.join('')}good: {x: 1}\n`);
    expect(entries.map(({ name }) => name)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'good']);
    expect(faults[0]).toEqual({ line: 6, entry: 'a5', reason: 'contains more than 100000 values' });
    expect(faults).toHaveLength(25);
  });

  it('that are merged in many entries make the entries after too many values unreadable', () => {
    const fields = Array.from({ length: 999 }, (_, index) => `f${index}: 1`).join(', ');
    const uses = Array.from({ length: 1000 }, (_, index) => `user${index}: {<<: *d}\n`).join('');
    const { entries, faults } = read(`base: &d {${fields}}\n${uses}`);
    expect(entries).toHaveLength(200);
    expect(faults).toHaveLength(801);
    expect(faults[0]?.reason).toBe('follows entries that have more than 200000 values in total');
  });

  it('that are merged many times in one entry make that entry unreadable before any copy', () => {
    const fields = Array.from({ length: 999 }, (_, index) => `f${index}: 1`).join(', ');
    const entriesOf = jest.spyOn(Object, 'entries');
    const { entries, faults } = read(`base: &d {${fields}}\nbad:\n${'  <<: *d\n'.repeat(201)}good: {x: 1}\n`);
    expect(entriesOf).not.toHaveBeenCalled();
    entriesOf.mockRestore();
    expect(entries.map(({ name }) => name)).toEqual(['base', 'good']);
    expect(faults).toEqual([{ line: 3, entry: 'bad', reason: 'contains more than 100000 values' }]);
  });

  it('that nest each other make entries that become too deep unreadable', () => {
    const chain = Array.from({ length: 100 }, (_, index) => `a${index + 1}: &a${index + 1} {x: *a${index}}\n`).join('');
    const { entries, faults } = read(`a0: &a0 {x: 1}\n${chain}`);
    expect(entries.length).toBeLessThan(64);
    expect(faults[0]?.reason).toBe('is nested too deeply');
  });
});
