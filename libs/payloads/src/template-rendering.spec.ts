import fc from 'fast-check';
import Mustache from 'mustache';
import { readTemplate, type TemplateNode } from './template';
import { maxRenderedBytes, renderTemplate, RenderingBudget, RenderingBudgetError } from './template-rendering';

type Payload = Readonly<Record<string, unknown>>;

function nodesOf(source: string): readonly TemplateNode[] {
  const template = readTemplate(source);
  if ('fault' in template) throw new Error(template.fault);
  return template.nodes;
}

const rendered = (source: string, payload: Payload, budget = new RenderingBudget()) =>
  renderTemplate(nodesOf(source), { payload, topic: 'ops:alert', count: 3 }, budget);
const textOf = (source: string, payload: Payload) => rendered(source, payload).text;

const payload = {
  host: 'db-1',
  html: '<b>&',
  zero: 0,
  no: false,
  yes: true,
  none: null,
  empty: '',
  list: ['a', 'b'],
  nothing: [],
  nested: { deep: { name: 'x' } },
  items: [{ name: 'one', host: 'inner' }, { name: 'two' }],
  'a.b': 'dotted',
  topic: 'hidden',
};

it.each([
  ['{{host}} {{{html}}} {{&html}} {{html}}', 'db-1 <b>& <b>& <b>&'],
  ['{{zero}} {{no}} {{yes}} [{{none}}{{empty}}{{missing}}]', '0 false true []'],
  ['{{list}} [{{nothing}}] [{{nested}}] {{items.0.name}}', 'a,b [] [] one'],
  ['{{#list}}{{.}};{{/list}}{{#nothing}}x{{/nothing}}{{^nothing}}none{{/nothing}}', 'a;b;none'],
  ['{{#items.length}}{{items.length}} items{{/items.length}}', '2 items'],
  ['{{nested.deep.name}} {{#nested}}{{deep.name}} {{host}}{{/nested}} [{{nested.deep.missing}}]', 'x x db-1 []'],
  ['{{#items}}{{name}} {{host}};{{/items}}', 'one inner;two db-1;'],
  ['{{^missing}}a{{/missing}}{{^no}}b{{/no}}{{^zero}}c{{/zero}}{{^host}}d{{/host}}', 'abc'],
  ['{{#yes}}{{host}}{{/yes}}{{#host}}{{.}}{{/host}}', 'db-1db-1'],
  ['{{topic}} {{count}}', 'ops:alert 3'],
  ['{{a.b}}{{! comment }}{{=<% %>=}}<%host%>', 'db-1'],
])('%s is rendered as %j', (source, expected) => expect(textOf(source, payload)).toBe(expected));

it.each([
  ...['constructor', 'toString', 'valueOf', '__proto__', 'hasOwnProperty', '__defineGetter__', '__lookupGetter__'],
  ...['constructor.keys', 'constructor.create', 'constructor.assign', 'constructor.defineProperty', 'constructor.name'],
  ...['host.length', 'host.constructor', 'list.map', 'list.constructor', 'list.join', 'nested.__proto__.constructor'],
  ...['host.0', 'zero.toFixed', 'items.0.toString', '.constructor', '..', 'a..b', 'topic.length', 'count.constructor'],
])('{{%s}} is rendered as nothing, also as a section', (name) => {
  for (const source of [`{{${name}}}`, `{{{${name}}}}`, `{{&${name}}}`, `{{#${name}}}x{{/${name}}}`]) {
    expect(textOf(source, payload)).toBe('');
    expect(textOf(`{{#items}}${source}{{/items}}{{#host}}${source}{{/host}}`, payload)).toBe('');
  }
  expect(textOf(`{{^${name}}}none{{/${name}}}`, payload)).toBe('none');
});

it('fields with the names of inherited properties are ordinary fields', () => {
  const named = JSON.parse('{"constructor":"c","__proto__":{"x":"p"},"toString":"t"}') as Payload;
  expect(textOf('{{constructor}} {{__proto__.x}} {{toString}}', named)).toBe('c p t');
});

it('functions and getters are never called', () => {
  const refuse = () => {
    throw new Error('called');
  };
  const hostile = Object.defineProperty({ call: refuse, list: [refuse] }, 'get', { get: refuse, enumerable: true });
  const source =
    '{{call}}{{get}}{{list}}{{#call}}x{{/call}}{{#get}}x{{/get}}{{get.a}}{{call.name}}{{#list}}{{.}}{{/list}}';
  expect(textOf(source, hostile)).toBe('');
});

it('reports whether count was used', () => {
  expect(rendered('{{count}}', {}).isCountShown).toBe(true);
  expect(rendered('{{#host}}{{count}}{{/host}}', {}).isCountShown).toBe(false);
  expect(rendered('{{#a}}{{count}}{{/a}}', { a: { count: 7 } })).toEqual({ text: '7', isCountShown: false });
});

const ones = (length: number) => Array.from({ length }, () => 1);
const sections = (levels: number, inside: string, name = 'a') =>
  `{{#${name}}}`.repeat(levels) + inside + `{{/${name}}}`.repeat(levels);

describe('a template that would take long', () => {
  it.each<[string, string, Payload]>([
    ['ten levels over two items', sections(10, 'x'), { a: ones(2).map(() => ones(2)) }],
    ['two levels over 1,000 items', sections(2, 'x'), { a: ones(1000) }],
    ['two levels over 1,000 items without a text', sections(2, ''), { a: ones(1000) }],
    ['one level over 30,000 items', sections(1, 'x'), { a: ones(30_000) }],
    ['a list of 30,000 items', '{{a}}', { a: ones(30_000) }],
    ['a list inside each of many things', sections(1, '{{b}}'), { a: ones(100), b: ones(100) }],
    ['long names that nothing has', sections(1, `{{${'b.'.repeat(2000)}b}}`), { a: ones(5000), b: {} }],
    ['a long name into deep nesting', sections(1, `{{${'b.'.repeat(60)}b}}`), { a: ones(100), ...deep(64) }],
    ['names that are looked up in ten things', sections(10, '{{b}}'.repeat(500)), { a: { a: 1 } }],
    ['inverted sections', `${sections(1, '{{^b}}x{{/b}}')}`, { a: ones(5000) }],
  ])('%s ends when its steps are used up', (_, source, values) => {
    expect(() => textOf(source, values)).toThrow(new RenderingBudgetError('more than 5000 steps'));
  });

  it.each<[string, string, Payload]>([
    ['a long text many times', '{{s}}'.repeat(800), { s: 'x'.repeat(60_000) }],
    ['a long text in a list', '{{#a}}{{s}}{{/a}}', { a: ones(1000), s: 'ü'.repeat(1000) }],
    ['a list of long texts', '{{a}}{{a}}{{a}}', { a: ['x'.repeat(30_000), 'y'.repeat(30_000)] }],
    ['its own text in a list', `{{#a}}${'x'.repeat(4000)}{{/a}}`, { a: ones(40) }],
  ])('%s ends when its bytes are used up', (_, source, values) => {
    expect(() => textOf(source, values)).toThrow(
      new RenderingBudgetError(`more than ${maxRenderedBytes} bytes of text`),
    );
  });

  it('shares its budget with the other template of the push', () => {
    const budget = new RenderingBudget();
    const half = () => rendered(sections(1, 'x'), { a: ones(1500) }, budget);
    half();
    expect(half).toThrow(RenderingBudgetError);
  });

  it('renders the largest payload completely, and lists as long as a push', () => {
    expect(textOf('{{s}}', { s: 'x'.repeat(65_000) })).toHaveLength(65_000);
    expect(textOf('{{#a}}{{name}}, {{/a}}', { a: ones(800).map(() => ({ name: 'n' })) })).toHaveLength(2400);
  });
});

it('looks up a name in the outer values where a list contains null', () => {
  expect(textOf('{{#b}}[{{a}}{{#a}}x{{/a}}{{#c}}y{{/c}}]{{/b}}', { a: 1, b: [null] })).toBe('[1x]');
});

function deep(levels: number): object {
  return levels === 0 ? {} : { b: deep(levels - 1) };
}

/**
 * Generates JSON with the names of the templates below. Only `toString` is a property of texts, and no template looks it up.
 * Lists contain no null, because Mustache throws when a name is looked up in null.
 */
const name = fc.constantFrom('a', 'b', 'c', 'toString');
const scalar = fc.oneof(fc.constantFrom(0, 1, 2.5, true, false, null), fc.string({ maxLength: 3 }));
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(
      tie('value').filter((entry) => entry !== null),
      { maxLength: 3 },
    ),
    fc.dictionary(name, tie('value'), { maxKeys: 3 }),
  ),
})).value;
const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'));
const source = fc.letrec<{ source: string }>((tie) => ({
  source: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('x', ' ', '\n', '{{! y }}'),
    fc.oneof(path, fc.constant('.')).map((of) => `{{${of}}}`),
    fc
      .tuple(fc.constantFrom('#', '^'), path, tie('source'))
      .map(([kind, of, inside]) => `{{${kind}${of}}}${inside}{{/${of}}}`),
    fc.array(tie('source'), { maxLength: 3 }).map((parts) => parts.join('')),
  ),
})).source;

/** The text that the renderer shows for a value. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map((entry) => (isPlain(entry) ? String(entry) : '')).join(',');
  return isPlain(value) ? String(value) : '';
}

function isPlain(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

it('any template that stays within its budget is rendered as Mustache renders it over data without a prototype', () => {
  fc.assert(
    fc.property(source, fc.dictionary(name, json, { maxKeys: 3 }), (template, values) => {
      const view = { ...values, topic: 'ops:alert', count: 3 };
      expect(textOf(template, values)).toBe(Mustache.render(template, view, {}, { escape: shown }));
    }),
    { numRuns: 2000 },
  );
});
