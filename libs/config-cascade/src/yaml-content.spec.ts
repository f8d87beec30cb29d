import { inspect } from 'node:util';
import { yamlContent } from './yaml-content';

it('reads what is written, and nothing of a text that holds nothing', () => {
  expect(yamlContent('a.yml', 'mail:\n  password: "12"\n')).toEqual({ mail: { password: '12' } });
  expect(yamlContent('a.yml', '# nothing\n')).toBeNull();
});

it.each<[string, string, RegExp]>([
  ['a quote that is not closed', 'mail:\n  password: "geheim\n  topic: a\n', /MISSING_CHAR in line 4, column 1\.$/],
  ['a broken list', 'mail: [geheim\n', /in line 2, column 1\.$/],
  ['a line that is no field', 'mail:\n  topic: a\n  password=geheim\n', /in line 3, column 3\.$/],
  ['a second colon', 'mail:\n  password: geheim: x\n', /in line 2, column 13\.$/],
  ['a password that begins with *', 'mail:\n  password: *geheim\n', /an alias, which begins with \*, names nothing/],
  ['a password that begins with !', 'mail:\n  password: !geheim\n', /TAG_RESOLVE_FAILED in line 2, column 13\.$/],
  ['the same client twice', 'mail: geheim\nmail: geheim\n', /DUPLICATE_KEY in line 2, column 1\.$/],
])('tells the place of %s, and nothing that stands there', (_, text, sentence) => {
  const fault = (() => {
    try {
      return yamlContent('a.yml', text) as Error;
    } catch (error) {
      return error as Error;
    }
  })();
  expect(fault.message).toMatch(sentence);
  expect(fault.message).toMatch(/^a\.yml is not YAML: /);
  expect(inspect(fault, { depth: Infinity, showHidden: true })).not.toContain('geheim');
});
