import { parseProperties } from './properties-file';

const parse = (text: string) => parseProperties(text.split(/\r\n|[\n\r]/));
const enabled = 'com.openexchange.pns.transport.websocket.enabled';

it.each<[text: string, name: string, value: string]>([
  [`${enabled}.open-xchange-appsuite.ox:mail:new=true`, `${enabled}.open-xchange-appsuite.ox:mail:new`, 'true'],
  [`${enabled}.open-xchange-appsuite.ox\\:mail\\:new=true`, `${enabled}.open-xchange-appsuite.ox:mail:new`, 'true'],
  ['a = https://host:1/x=y', 'a', 'https://host:1/x=y'],
  ['e=', 'e', ''],
  ['e', 'e', ''],
  ['e   ', 'e', ''],
  ['a 1', 'a', '1'],
  ['a\t=\f1', 'a', '1'],
  ['a==1', 'a', '=1'],
  ['=1', '', '1'],
  [' \t\fa=1', 'a', '1'],
  ['a=1  ', 'a', '1  '],
  ['a\\ b=1', 'a b', '1'],
  ['a\\=b=1', 'a=b', '1'],
  ['a=caf\\u00e9', 'a', 'café'],
  ['caf\\u00E9=1', 'café', '1'],
  ['a=\\t\\n\\r\\f\\q\\\\', 'a', '\t\n\r\fq\\'],
  ['a=\\\\u12', 'a', '\\u12'],
  ['a=C:\\temp\\new', 'a', 'C:\temp\new'],
  ['toString=x', 'toString', 'x'],
  ['__proto__=x', '__proto__', 'x'],
  ['constructor=x', 'constructor', 'x'],
  [`g=${'\\'.repeat(200_000)}x`, 'g', `${'\\'.repeat(100_000)}x`],
])('%j as in Java', (text, name, value) => {
  expect(parse(text)).toEqual({ assignments: [{ name, text: value, line: 1 }], faults: [] });
});

it.each<[what: string, text: string, assignments: [name: string, text: string, line: number][]]>([
  ['comments and blank lines', '  # c\n! c\n\n \t\nb=1', [['b', '1', 5]]],
  ['comments that end in a backslash', '# c\\\nb=1', [['b', '1', 2]]],
  ['a remark behind a value, which is part of it', 'b=1 # c', [['b', '1 # c', 1]]],
  [
    'continuation lines',
    'c=one,\\\n   two\nd=1',
    [
      ['c', 'one,two', 1],
      ['d', '1', 3],
    ],
  ],
  [
    'an even number of backslashes',
    'c=one\\\\\nd=1',
    [
      ['c', 'one\\', 1],
      ['d', '1', 2],
    ],
  ],
  ['a continuation that looks like a comment', 'c=one\\\n#two', [['c', 'one#two', 1]]],
  [
    'a continuation that is blank',
    'c=one\\\n\nd=1',
    [
      ['c', 'one', 1],
      ['d', '1', 3],
    ],
  ],
  ['a name that is continued', 'c\\\n  d=1', [['cd', '1', 1]]],
  ['a backslash at the end', 'c=408\\', [['c', '408', 1]]],
  ['a backslash and a line end at the end', 'c=408\\\n', [['c', '408', 1]]],
  ['only a backslash', '\\', []],
  ['a comment after only a backslash', '\\\n! c\nd=1', [['d', '1', 3]]],
  ['a name after only a backslash', '\\\nd=1', [['d', '1', 1]]],
  [
    'lines that end in CR',
    'a=1\rb=2\r# c\rc=3',
    [
      ['a', '1', 1],
      ['b', '2', 2],
      ['c', '3', 4],
    ],
  ],
  [
    'lines that end in CR LF',
    'a=1\\\r\n2\r\nb=3',
    [
      ['a', '12', 1],
      ['b', '3', 3],
    ],
  ],
  [
    'a name twice, in order',
    'f=1\nf=2',
    [
      ['f', '1', 1],
      ['f', '2', 2],
    ],
  ],
])('reads %s', (_, text, assignments) => {
  const expected = assignments.map(([name, value, line]) => ({ name, text: value, line }));
  expect(parse(text)).toEqual({ assignments: expected, faults: [] });
});

it.each([
  ['a=1\nb=C:\\users\\pns\nc=2', 'b', 2],
  ['a=1\nb=\\u12g4\nc=2', 'b', 2],
  ['a=1\n\\ub=1\nc=2', '', 2],
  ['a=1\nb=x\\\n\\u\nc=2', 'b', 2],
  ['a=1\nb=\\\\\\u\nc=2', 'b', 2],
])('%j affects only its own line', (text, name, line) => {
  const { assignments, faults } = parse(text);
  expect(assignments.map((each) => each.name)).toEqual(['a', 'c']);
  expect(faults).toEqual([{ name, line, reason: expect.stringContaining('four hexadecimal digits') as string }]);
});

it.each<[text: string, name: string, value: string]>([
  ['a:1', 'a', '1'],
  ['a : 1', 'a', '1'],
  ['a:=1', 'a', '=1'],
  ['a=:1', 'a', ':1'],
  ['a\t:\f1', 'a', '1'],
  ['a 1:2', 'a', '1:2'],
  [':1', '', '1'],
  ['a\\:b:1', 'a:b', '1'],
  ['a\\\\:1', 'a\\', '1'],
  [`${enabled}.open-xchange-appsuite.ox:mail:new=true`, `${enabled}.open-xchange-appsuite.ox`, 'mail:new=true'],
])('%j with a colon that separates, as in Java', (text, name, value) => {
  expect(parseProperties([text], { colonSeparates: true })).toEqual({
    assignments: [{ name, text: value, line: 1 }],
    faults: [],
  });
});
