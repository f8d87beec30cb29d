import fc from 'fast-check';
import { readJson, type JsonBounds } from './read-json';
import { isSendable, textOf, written } from './testing/json-texts';

const bounds: JsonBounds = { bytes: 10_000, compactBytes: 5000, depth: 10 };

function read(text: string | Buffer, changes: Partial<JsonBounds> = {}) {
  return readJson(Buffer.from(text), { ...bounds, ...changes }, 'body');
}

function fieldsOf(text: string | Buffer): string[] {
  const result = read(text);
  return result.ok ? [] : result.faults.map(({ field }) => field);
}

it('reads any JSON text that can be sent unchanged, and refuses any other text', () => {
  fc.assert(
    fc.property(written, fc.constantFrom('', ' ', '\r\n\t'), (value, blank) => {
      const result = read(textOf(value, blank), { bytes: 1e6, compactBytes: 1e6 });
      expect(result.ok).toBe(isSendable(value));
      if (result.ok) expect(result.value).toEqual(JSON.parse(textOf(value)));
      else expect(result).toMatchObject({ reason: 'altered', faults: expect.any(Array) as unknown });
    }),
    { numRuns: 2000 },
  );
});

it('refuses any text that is not JSON', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      const result = read(Buffer.from(bytes));
      if (result.ok) expect(() => JSON.parse(Buffer.from(bytes).toString()) as unknown).not.toThrow();
      else expect(['malformed', 'altered', 'too deep']).toContain(result.reason);
    }),
    { numRuns: 2000 },
  );
});

it.each<[string, string[]]>([
  ['{"a":1e400}', ['a']],
  ['{"a":[1,{"b":12345678901234567890}]}', ['a.1.b']],
  ['1e400', ['body']],
  ['{"a":"\\ud800"}', ['a']],
  ['{"a":"\\ud800\\ud800\\udc00"}', ['a']],
  ['{"a":"\\udc00\\ud800"}', ['a']],
  ['{"a":"\\ud83d\\ude00"}', []],
  ['{"a":"\\uD83D\\uDE00"}', []],
  ['{"a":"\\\\ud800"}', []],
  ['{"\\ud800":1}', ['\ufffd']],
  ['{"__proto__":1}', ['__proto__']],
  ['{"a":{"\\u005f_proto__":{}}}', ['a.__proto__']],
  ['{"constructor":{"prototype":{"a":1}}}', []],
  ['{"a":1,"b":2,"a":3}', ['a']],
  ['{"a":1,"\\u0061":3}', ['a']],
  ['{"a":{"b":1},"c":{"b":1}}', []],
  ['{"a":-0.5,"b":1.0,"c":1E2,"d":0.1,"e":-1}', []],
  ['{"a":-0,"b":[-0.0,{"c":-0E5}],"d":-1e-400,"e":"-0"}', ['a', 'b.0', 'b.1.c', 'd']],
  ['\ufeff{"a":1}', []],
])('names the faults in %s', (text, fields) => {
  expect(fieldsOf(text)).toEqual(fields);
  expect(read(text).ok).toBe(fields.length === 0);
});

it.each<[string, Buffer, string[]]>([
  ['ISO-8859-1', Buffer.from('{"a":{"b":"Grüße"},"c":"x"}', 'latin1'), ['a.b']],
  ['a name in ISO-8859-1', Buffer.from('{"é":1}', 'latin1'), ['é']],
  [
    'a surrogate in UTF-8',
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    ['a'],
  ],
  [
    'an overlong character',
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
    ['a'],
  ],
  ['UTF-16', Buffer.from('\ufeff{"a":1}', 'utf16le'), ['body']],
  ['UTF-16 without a mark', Buffer.from('{"a":1}', 'utf16le'), ['body']],
  ['a cut character', Buffer.from('{"a":"é"}').subarray(0, 7), ['body']],
])('names the values that are not UTF-8: %s', (_, bytes, fields) => {
  expect(read(bytes)).toMatchObject({ ok: false, reason: 'altered' });
  expect(fieldsOf(bytes)).toEqual(fields);
});

it.each([
  ['a'.repeat(10_001), 'too large'],
  [`"${'a'.repeat(5001)}"`, 'too large'],
  [`"${'\\n'.repeat(3000)}"`, 'too large'],
  [`"${'\\u00e4'.repeat(1600)}"`, undefined],
  [`[${' '.repeat(9000)}]`, undefined],
  [`${'['.repeat(10)}${']'.repeat(10)}`, undefined],
  [`${'['.repeat(11)}${']'.repeat(11)}`, 'too deep'],
  ['['.repeat(5000), 'too deep'],
  ['{"a":'.repeat(900), 'too deep'],
  [`"${'['.repeat(100)}"`, undefined],
  ['{"a":1,}', 'malformed'],
  ['', 'malformed'],
])('refuses a text beyond its bounds: %#', (text, reason) => {
  const result = read(text);
  expect(result.ok ? undefined : result.reason).toBe(reason);
});

it('names at most ten faults', () => {
  expect(fieldsOf(`{"a":[${Array(50).fill('1e400').join(',')}]}`)).toHaveLength(10);
});
