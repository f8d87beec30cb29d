import { ConfigCascade } from './config-cascade';
import { ContextSetFiles } from './context-set-files';
import { effectiveProperties } from './effective';

const delay = 'com.openexchange.pns.delayDuration';
const retention = 'com.openexchange.pns.idempotency.retention';
const timer = 'com.openexchange.pns.timerFrequency';
const file = 'contextSets/sets.yml';

const content = (text: string | Buffer) => ({ bytes: Buffer.from(text as string) });
const read = (text: string | Buffer, files = new ContextSetFiles()) => files.read([{ file, content: content(text) }]);
const reasons = (text: string) =>
  read(text).faults.map(({ line, entry, severity, reason }) => ({ line, entry, severity, reason }));

it('reads blocks in their order, with tags, added tags and properties', () => {
  const { sets, faults } = read(
    `gold:\n  withTags: vip & !trial\n  addTags: shiny, loud\n  ${delay}: 20\nlate:\n  withTags: 42\n  addTags: [a, 1]\n`,
  );
  expect(faults).toEqual([]);
  expect(sets).toMatchObject([
    { name: 'gold', file, line: 1, tagText: 'vip & !trial', addTags: ['shiny', 'loud'] },
    { name: 'late', file, line: 5, tagText: '42', withTags: { kind: 'tag', tag: '42' }, addTags: ['a', '1'] },
  ]);
  expect(sets.map(({ values }) => [...values])).toEqual([[[delay, '20']], []]);
});

it('reads numbers as they are written', () => {
  const numbers = ['007', '12345678901234567890', '1e3', '0x1F', '0o17', '42'];
  const { sets, faults } = read(
    numbers.map((number, at) => `set${at}:\n  withTags: ${number}\n  addTags: [${number}]\n`).join(''),
  );
  expect(faults).toEqual([]);
  expect(sets.map(({ tagText }) => tagText)).toEqual(numbers);
  expect(sets.map(({ addTags }) => addTags?.[0])).toEqual(numbers);
  expect(read(`a:\n  withTags: b\n  ${delay}: 1e2\n`).faults).toMatchObject([{ line: 3, severity: 'error' }]);
});

it.each<[what: string, text: string, line: number, entry: string | undefined, severity: string, reason: RegExp]>([
  ['a set without tags', `a:\n  ${delay}: 1\n`, 1, 'a', 'error', /^withTags is missing; it selects the contexts/],
  ['tags that are a list', 'a:\n  withTags: [b]\n', 2, 'a', 'error', /^withTags must be text/],
  ['tags of nothing', 'a:\n  withTags:\n', 2, 'a', 'error', /^withTags must be text/],
  ['an expression that ends early', "a:\n  withTags: 'b &'\n", 2, 'a', 'error', /^withTags: A tag, ! or \( is missing/],
  ['and for &', 'a:\n  withTags: premium and trial\n', 2, 'a', 'error', /character 9.*write & instead of and/],
  ['not for !', 'a:\n  withTags: not trial\n', 2, 'a', 'error', /write ! instead of not/],
  ['a rank', 'a:\n  withTags: b\n  rank: 5\n', 3, 'a', 'warning', /^rank exists only for sets of the API/],
  ['a field that is none', 'a:\n  withTags: b\n  tags: c\n', 3, 'a', 'warning', /^tags is neither withTags nor/],
  ['a field without a plain name', 'a:\n  withTags: b\n  a b: c\n', 3, 'a', 'warning', /^a field is neither/],
  [
    'a word that every object has',
    'a:\n  withTags: x constructor\n',
    2,
    'a',
    'error',
    /^withTags: .*where constructor stands at character 3$/,
  ],
  [
    'a value that is none',
    `a:\n  withTags: b\n  ${delay}: soon\n`,
    3,
    'a',
    'error',
    /delayDuration must be a whole number$/,
  ],
  [
    'an empty value',
    `a:\n  withTags: b\n  ${delay}:\n`,
    3,
    'a',
    'error',
    /delayDuration is empty and must be a whole number$/,
  ],
  [
    'a list as a value',
    `a:\n  withTags: b\n  ${delay}: [1]\n`,
    3,
    'a',
    'error',
    /delayDuration must be text, a number/,
  ],
  ['added tags that are none', 'a:\n  withTags: b\n  addTags: {c: d}\n', 3, 'a', 'error', /^addTags must be/],
  [
    'a property of the server',
    `a:\n  withTags: b\n  ${timer}: 50\n`,
    3,
    'a',
    'error',
    /can only be set for: the server$/,
  ],
  [
    'a name of the original',
    'a:\n  withTags: b\n  com.openexchange.websockets.enabled: true\n',
    3,
    'a',
    'warning',
    /is called/,
  ],
  ['a set that is a text', 'a: b\n', 1, 'a', 'error', /^has no fields/],
  ['a file that is a list', '- a\n', 1, undefined, 'error', /^has no entry/],
  ['a name that is not a word', '"b\\nd": 1\n', 1, undefined, 'error', /^has no fields/],
  ['a file that is not YAML', 'a: [\n', 1, 'a', 'error', /^is not YAML: /],
])('%s is a fault with its place', (_, text, line, entry, severity, reason) => {
  expect(reasons(text)).toEqual([{ line, entry, severity, reason: expect.stringMatching(reason) as string }]);
});

it('a property that only the server can define is left out, and not shown as effective', () => {
  const { sets } = read(`gold:\n  withTags: '1'\n  ${timer}: 50\n  ${delay}: 20\n`);
  const cascade = new ConfigCascade();
  cascade.replaceFiles({ server: { name: 'server', values: new Map() }, sets });
  const effective = effectiveProperties(cascade.scopesOf({ context: 1, user: 2 }) ?? [], 'com.openexchange.pns.');
  expect(effective.filter(({ name }) => name === timer || name === delay)).toEqual([
    { name: delay, value: 20, origin: { scope: 'contextSet', id: 'gold' } },
    { name: timer, value: 500, origin: { scope: 'default' } },
  ]);
});

describe('content that becomes unusable', () => {
  const before = `gold:\n  withTags: vip\n  ${delay}: 20\n  ${retention}: 5000\nsilver:\n  withTags: old\n  ${delay}: 30\n`;
  const after = (text: string | Buffer) => {
    const files = new ContextSetFiles();
    read(before, files);
    const { sets } = read(text, files);
    return Object.fromEntries(sets.map(({ name, tagText, values }) => [name, [tagText, ...values.values()]]));
  };

  it.each<[what: string, text: string | Buffer, sets: Record<string, string[]>]>([
    [
      'tags',
      `gold:\n  withTags: vip and\n  ${delay}: 21\nsilver:\n  withTags: new\n`,
      { gold: ['vip', '20', '5000'], silver: ['new'] },
    ],
    ['a value', `gold:\n  withTags: vip2\n  ${delay}: soon\n`, { gold: ['vip2', '20'] }],
    ['a block', `gold: {\nsilver:\n  withTags: new\n`, { gold: ['vip', '20', '5000'], silver: ['new'] }],
    ['the file', Buffer.from('\ufeffgold:', 'utf16le'), { gold: ['vip', '20', '5000'], silver: ['old', '30'] }],
    [
      'a line that is nobody’s',
      `<<<<<<<\nsilver:\n  withTags: new\n`,
      { gold: ['vip', '20', '5000'], silver: ['new'] },
    ],
    ['nothing', `silver:\n  withTags: new\n`, { silver: ['new'] }],
  ])('keeps the previous values in effect: %s', (_, text, sets) => {
    expect(after(text)).toEqual(sets);
  });
});

it('a set that two files define is tried twice, and both places are named', () => {
  const text = 'gold:\n  withTags: vip\n';
  const files = ['a', 'b'].map((name) => ({ file: `contextSets/${name}.yml`, content: content(text) }));
  const { sets, faults } = new ContextSetFiles().read(files);
  expect(sets.map((set) => set.file)).toEqual(['contextSets/a.yml', 'contextSets/b.yml']);
  expect(faults).toEqual([
    {
      ...{ file: 'contextSets/b.yml', line: 1, entry: 'gold', severity: 'warning' },
      reason: 'is a context set in contextSets/a.yml, line 1, too; both are tried, that one first',
    },
  ]);
});
