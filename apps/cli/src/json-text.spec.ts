import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonObjectText, withMember } from './json-text';

let folder: string;

beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'pns-cli-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const written = (content: string | Buffer): string => {
  const file = join(folder, 'payload.json');
  writeFileSync(file, content);
  return `@${file}`;
};

it.each([
  '{"a":1e400}',
  '{"a":12345678901234567890}',
  '{"a":1,"a":2}',
  '{"a":-0}',
  '{"__proto__":1}',
  ' { "a" : 1.0 }',
])('the text %s is sent as it was given', (text) => {
  for (const option of [text, written(text), written(`\ufeff${text}`)]) {
    expect(withMember({ topic: 'a' }, 'payload', jsonObjectText(option).text)).toBe(`{"topic":"a","payload":${text}}`);
  }
});

it.each(['{', '[]', 'null', '1', '', "{'a':1}"])('%s is not a JSON object', (text) => {
  expect(() => jsonObjectText(text)).toThrow(/^(This is not JSON|Give a JSON object)/);
});

it('a file must be UTF-8', () => {
  expect(() => jsonObjectText(written(Buffer.from('{"a":"\u00fc"}', 'latin1')))).toThrow(/^This is not UTF-8/);
});
