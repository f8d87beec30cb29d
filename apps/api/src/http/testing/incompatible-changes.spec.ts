import { incompatibleChanges, unnamedChanges } from './incompatible-changes';

/** A small API that has a case for each rule. */
function document() {
  return {
    paths: {
      '/v1/things': {
        get: {
          'x-scopes': ['admin', 'client'],
          security: [{ bearer: [] }, { basic: [] }],
          parameters: [
            { name: 'limit', in: 'query', required: false, schema: { type: 'integer', minimum: 1, maximum: 500 } },
            { name: 'kind', in: 'query', required: false, schema: { type: 'string', enum: ['a', 'b'] } },
          ],
          responses: {
            200: {
              description: '',
              content: { 'application/json': { schema: { $ref: '#/components/schemas/List' } } },
            },
            403: { description: '`SCOPE_MISSING`: The API key lacks a scope.' },
          },
        },
        post: {
          requestBody: {
            required: false,
            content: {
              'application/json': { schema: { $ref: '#/components/schemas/New' } },
              'application/x-ndjson': { schema: { type: 'string' } },
            },
          },
          responses: { 201: { description: '' } },
        },
      },
      '/v1/health': { get: { security: [], responses: { 200: { description: '' } } } },
    },
    components: {
      schemas: {
        List: {
          type: 'object',
          required: ['items'],
          properties: {
            items: { type: 'array', items: { $ref: '#/components/schemas/Thing' } },
            next: { type: 'string' },
          },
        },
        Thing: {
          type: 'object',
          required: ['id', 'kind'],
          properties: {
            id: { type: 'string' },
            kind: { type: 'string', enum: ['a', 'b'] },
            parent: { $ref: '#/components/schemas/Thing' },
            size: { anyOf: [{ type: 'integer' }, { type: 'string' }] },
          },
        },
        New: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: {
            name: { type: 'string', maxLength: 10, minLength: 1 },
            kind: { type: 'string', enum: ['a', 'b'] },
            weight: { type: 'number' },
            tags: { type: 'array', maxItems: 5, items: { type: 'string' } },
            meta: { type: 'object', additionalProperties: {} },
            to: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'string' }] },
          },
        },
      },
    },
  };
}

/** Any part of the document, typed so that a test can change its shape. */
interface Part {
  [name: string]: Part;
}

type Edit = (document: Part) => void;

function set(part: Part | undefined, name: string, value: unknown): void {
  Object.assign(part ?? {}, { [name]: value });
}

function remove(part: Part | undefined, name: string): void {
  if (part?.[name] === undefined) throw new Error(`There is no ${name} to remove.`);
  if (Array.isArray(part)) part.splice(Number(name), 1);
  else Reflect.deleteProperty(part, name);
}

const things = (document: Part): Part => document['paths']?.['/v1/things'] as Part;
const listed = (document: Part): Part => things(document)['get'] as Part;
const added = (document: Part): Part => things(document)['post'] as Part;
const schema = (document: Part, name: string): Part => document['components']?.['schemas']?.[name] as Part;
const field = (document: Part, name: string, property: string): Part =>
  schema(document, name)['properties']?.[property] as Part;

function changesBy(edit: Edit): ReturnType<typeof incompatibleChanges> {
  const after = document();
  edit(after as unknown as Part);
  return incompatibleChanges(document(), after);
}

const incompatible: readonly (readonly [name: string, subject: string, edit: Edit])[] = [
  ['a removed path', 'GET /v1/health', (d) => remove(d['paths'], '/v1/health')],
  ['a removed method', 'POST /v1/things', (d) => remove(things(d), 'post')],
  ['a removed success status', 'POST /v1/things', (d) => remove(added(d)['responses'], '201')],
  ['a removed error status', 'GET /v1/things', (d) => remove(listed(d)['responses'], '403')],
  ['a removed problem code', 'SCOPE_MISSING', (d) => set(listed(d)['responses']?.['403'], 'description', '')],
  ['a removed media type of a response', 'GET /v1/things', (d) => set(listed(d)['responses']?.['200'], 'content', {})],
  [
    'a removed media type of a body',
    'POST /v1/things',
    (d) => remove(added(d)['requestBody']?.['content'], 'application/x-ndjson'),
  ],
  ['a body that became required', 'POST /v1/things', (d) => set(added(d)['requestBody'], 'required', true)],
  ['a removed parameter', 'kind', (d) => remove(listed(d)['parameters'], '1')],
  ['a parameter that became required', 'limit', (d) => set(listed(d)['parameters']?.['0'], 'required', true)],
  [
    'a new required parameter',
    'page',
    (d) => set(listed(d)['parameters'], '2', { name: 'page', in: 'query', required: true }),
  ],
  ['a narrower parameter', 'limit', (d) => set(listed(d)['parameters']?.['0']?.['schema'], 'maximum', 100)],
  ['a parameter with fewer values', 'kind', (d) => set(listed(d)['parameters']?.['1']?.['schema'], 'enum', ['a'])],
  ['a scope that does not suffice any more', 'GET /v1/things', (d) => set(listed(d), 'x-scopes', ['admin'])],
  ['credentials that are not accepted any more', 'GET /v1/things', (d) => set(listed(d), 'security', [{ bearer: [] }])],
  [
    'credentials for a route that needed none',
    'GET /v1/health',
    (d) => set(d['paths']?.['/v1/health']?.['get'], 'security', [{ bearer: [] }]),
  ],
  ['a removed required property of a response', 'id', (d) => remove(schema(d, 'Thing')['properties'], 'id')],
  ['a removed optional property of a response', 'next', (d) => remove(schema(d, 'List')['properties'], 'next')],
  ['a property of a response that may be absent', 'kind', (d) => set(schema(d, 'Thing'), 'required', ['id'])],
  ['another type in a response', 'id', (d) => set(field(d, 'Thing', 'id'), 'type', 'integer')],
  ['one more type in a response', 'id', (d) => set(field(d, 'Thing', 'id'), 'type', ['string', 'null'])],
  ['one more alternative in a response', 'size', (d) => set(field(d, 'Thing', 'size')['anyOf'], '2', { type: 'null' })],
  ['a removed property of a request', 'weight', (d) => remove(schema(d, 'New')['properties'], 'weight')],
  ['a property of a request that became required', 'kind', (d) => set(schema(d, 'New'), 'required', ['name', 'kind'])],
  [
    'a new required property of a request',
    'size',
    (d) => {
      set(schema(d, 'New')['properties'], 'size', { type: 'integer' });
      set(schema(d, 'New'), 'required', ['name', 'size']);
    },
  ],
  ['another type in a request', 'name', (d) => set(field(d, 'New', 'name'), 'type', 'integer')],
  ['a narrower type in a request', 'weight', (d) => set(field(d, 'New', 'weight'), 'type', 'integer')],
  ['an enumeration in a request that lost a value', 'kind', (d) => set(field(d, 'New', 'kind'), 'enum', ['a'])],
  ['an enumeration where a request had free text', 'name', (d) => set(field(d, 'New', 'name'), 'enum', ['a'])],
  [
    'a constant where a request had an enumeration',
    'kind',
    (d) => {
      remove(field(d, 'New', 'kind'), 'enum');
      set(field(d, 'New', 'kind'), 'const', 'a');
    },
  ],
  ['a lower maximum in a request', 'name', (d) => set(field(d, 'New', 'name'), 'maxLength', 9)],
  ['a higher minimum in a request', 'name', (d) => set(field(d, 'New', 'name'), 'minLength', 2)],
  ['a new maximum in a request', 'weight', (d) => set(field(d, 'New', 'weight'), 'maximum', 9)],
  ['a new pattern in a request', 'name', (d) => set(field(d, 'New', 'name'), 'pattern', '^a')],
  ['a shorter list in a request', 'tags', (d) => set(field(d, 'New', 'tags'), 'maxItems', 4)],
  ['narrower items of a request', 'tags', (d) => set(field(d, 'New', 'tags')['items'], 'maxLength', 4)],
  ['an alternative that a request lost', 'to', (d) => remove(field(d, 'New', 'to')['anyOf'], '1')],
  ['a narrower alternative of a request', 'to', (d) => set(field(d, 'New', 'to')['anyOf']?.['0'], 'minimum', 2)],
  [
    'an object of a request that was closed',
    'meta',
    (d) => set(field(d, 'New', 'meta'), 'additionalProperties', false),
  ],
];

const compatible: readonly (readonly [name: string, edit: Edit])[] = [
  ['nothing', () => undefined],
  ['a new path', (d) => set(d['paths'], '/v1/more', { get: { responses: {} } })],
  ['a new method', (d) => set(things(d), 'put', { responses: {} })],
  ['a new status', (d) => set(added(d)['responses'], '409', { description: '`TAKEN`: It is taken.' })],
  ['another description', (d) => set(added(d)['responses']?.['201'], 'description', 'Done.')],
  [
    'a new optional parameter',
    (d) => set(listed(d)['parameters'], '2', { name: 'page', in: 'query', required: false }),
  ],
  ['a parameter with more values', (d) => set(listed(d)['parameters']?.['1']?.['schema'], 'enum', ['c', 'b', 'a'])],
  ['one more scope that suffices', (d) => set(listed(d), 'x-scopes', ['admin', 'client', 'ingest'])],
  ['a new property of a response', (d) => set(schema(d, 'Thing')['properties'], 'name', { type: 'string' })],
  ['a property that a response always has now', (d) => set(schema(d, 'List'), 'required', ['items', 'next'])],
  ['a new value of a response', (d) => set(field(d, 'Thing', 'kind'), 'enum', ['a', 'b', 'c'])],
  ['an alternative that a response lost', (d) => remove(field(d, 'Thing', 'size')['anyOf'], '1')],
  ['a new optional property of a request', (d) => set(schema(d, 'New')['properties'], 'size', { type: 'integer' })],
  ['a property of a request that became optional', (d) => set(schema(d, 'New'), 'required', [])],
  ['a wider type in a request', (d) => set(field(d, 'New', 'name'), 'type', ['string', 'null'])],
  ['a higher maximum in a request', (d) => set(field(d, 'New', 'name'), 'maxLength', 11)],
  ['a limit of a request that was removed', (d) => remove(field(d, 'New', 'name'), 'minLength')],
  ['an enumeration of a request that was removed', (d) => remove(field(d, 'New', 'kind'), 'enum')],
  ['one more alternative of a request', (d) => set(field(d, 'New', 'to')['anyOf'], '2', { type: 'null' })],
  [
    'alternatives of a request in another order',
    (d) => set(field(d, 'New', 'to'), 'anyOf', [{ type: 'string' }, { type: 'integer', minimum: 1 }]),
  ],
];

it.each(incompatible)('finds %s', (_name, subject, edit) => {
  const changes = changesBy(edit);
  expect([...new Set(changes.map((change) => change.subject))]).toContain(subject);
  for (const { text } of changes) expect(text).toMatch(/^\S.*\S$/);
});

it.each(compatible)('accepts %s', (_name, edit) => {
  expect(changesBy(edit)).toEqual([]);
});

describe('a change is named', () => {
  const changes = changesBy((d) => remove(schema(d, 'Thing')['properties'], 'id'));
  const changelog = (bullet: string, heading = 'Breaking', release = 'Unreleased'): string =>
    `# Changelog\n\n## ${release}\n\n### Added\n\n- \`other\`.\n\n### ${heading}\n\n- ${bullet}\n\n## 0.0.1\n\n### Fixed\n\n- A fault.\n`;
  const bullet = '`GET /v1/things` returns no `id`\n  any more.';

  it.each([bullet, 'Things have no `id` (`/v1/things`).', 'Nothing below `/v1` has an `id`.'])('by %j', (text) => {
    expect(unnamedChanges(changes, changelog(text))).toEqual([]);
  });

  it.each([
    ['another heading', changelog(bullet, 'Changed')],
    ['an earlier release', changelog(bullet, 'Breaking', '0.1.0')],
    ['a bullet without the path', changelog('Things have no `id`.')],
    ['another path', changelog('`GET /v1/thing` returns no `id`.')],
    ['a bullet without the property', changelog('`GET /v1/things` returns less.')],
    ['two bullets that share the names', changelog('`GET /v1/things` changed.\n- `id` is gone.')],
    ['an empty changelog', ''],
  ])('not by %s', (_name, text) => {
    expect(unnamedChanges(changes, text)).toEqual(changes);
    expect(changes.length).toBeGreaterThan(0);
  });
});
