import fc from 'fast-check';
import { maxSectionDepth, maxTemplateLength, readTemplate, templateFault } from './template';

const nested = (levels: number, open = '{{#a}}') => `${open.repeat(levels)}x${'{{/a}}'.repeat(levels)}`;

it.each([
  '',
  'plain text',
  '{{subject}}',
  '{{{subject}}} {{&subject}}',
  '{{a.b.c}} {{.}}',
  '{{^a}}nothing{{/a}}',
  '{{! a comment }}',
  '{{=<% %>=}}<%subject%>',
  '{{constructor.keys}} {{__proto__}} {{#__defineGetter__}}x{{/__defineGetter__}}',
  nested(maxSectionDepth),
  'x'.repeat(maxTemplateLength),
])('%j can be parsed', (source) => expect(templateFault(source)).toBeUndefined());

it.each<[string, string, RegExp]>([
  ['an open section', '{{#open}}', /^Unclosed section "open"/],
  ['a section that was not opened', '{{/a}}', /^Unopened section/],
  ['sections that overlap', '{{#a}}{{#b}}{{/a}}{{/b}}', /^Unclosed section/],
  ['an open tag', '{{subject', /^Unclosed tag/],
  ['delimiters that are none', '{{=a=}}', /^Invalid tags/],
  ['another template', '{{> header}}', /^{{> header}} names another template/],
  ['deep sections', nested(maxSectionDepth + 1), /nested deeper than 10 levels$/],
  ['deep inverted sections', nested(maxSectionDepth + 1, '{{^a}}'), /nested deeper than 10 levels$/],
  ['300 levels', nested(300), /nested deeper than 10 levels$/],
  ['4096 characters of open sections', '{{#a}}'.repeat(683).slice(0, 4096), /^Unclosed/],
  ['4097 characters', 'x'.repeat(maxTemplateLength + 1), /more than 4096 characters$/],
  ['a megabyte of tags', '{{a}}'.repeat(200_000), /more than 4096 characters$/],
  // The parser searches for the end of a tag again from each blank: 8 ms for this template.
  ['blanks inside a tag', `{{a${' '.repeat(4000)}b}}`, /more than 100 blanks in a row$/],
])('%s cannot be parsed, and a clause contains the reason', (_, source, fault) => {
  expect(templateFault(source)).toMatch(fault);
  expect(readTemplate(source)).toEqual({ fault: templateFault(source) });
});

it('a fault quotes only the start of a long name', () => {
  expect(templateFault(`{{#${'a'.repeat(4000)}}}`)?.length).toBeLessThanOrEqual(200);
});

it('any text is parsed or has a fault', () => {
  const part = fc.constantFrom(
    '{{',
    '}}',
    '{{{',
    '}}}',
    '#',
    '^',
    '/',
    '=',
    '> ',
    '!',
    '&',
    'a',
    '.',
    ' ',
    '\n',
    '<%',
    '%>',
    '\0',
    '\ud800',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
      const template = readTemplate(parts.join(''));
      expect('fault' in template ? template.fault : template.nodes).toBeTruthy();
    }),
    { numRuns: 2000 },
  );
});
