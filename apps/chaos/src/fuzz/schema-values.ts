import fc from 'fast-check';
import type { Schema } from './openapi-routes';

/** Values that make a request meaningful, by the name of their field. The schemas allow far more. */
const known: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  context: fc.integer({ min: 901, max: 903 }),
  user: fc.integer({ min: 1, max: 4 }),
  users: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
  contexts: fc.array(fc.integer({ min: 901, max: 903 }), { minLength: 1, maxLength: 2 }),
  client: fc.constantFrom('sandbox', 'phone', 'open-xchange-appsuite', 'web'),
  topic: fc.constantFrom('ox:mail:new', 'ox:calendar:updates', 'a:b', 'a'),
  topics: fc.array(fc.constantFrom('*', 'ox:mail:*', 'a:*', 'a:b'), { minLength: 1, maxLength: 3 }),
  token: fc.oneof(
    fc.constantFrom('~hook~/one', '~hook~/two?a=b', 'https://push.example.com/a', 'ab'.repeat(32)),
    fc.stringMatching(/^[0-9a-f]{64}$/),
  ),
  payload: fc.record({ folder: fc.constant('default0/INBOX'), id: fc.string(), subject: fc.string() }),
  withTags: fc.constantFrom('a', 'a & !(b | c)', '!a | b'),
  tags: fc.array(fc.constantFrom('a', 'b', 'premium'), { maxLength: 3 }),
  uri: fc.constantFrom('~hook~/own', 'https://push.example.com/'),
  cursor: fc.constant('~cursor~'),
  name: fc.constantFrom('com.openexchange.pns.delayDuration', 'com.openexchange.pns.transport.gcm.enabled'),
  set: fc.constantFrom('fuzz', 'other'),
  session: fc.constant('~session~'),
};

const idOf: Readonly<Record<string, string>> = {
  '/v1/subscriptions/{id}': '~subscription~',
  '/v1/subscriptions/{id}/test': '~subscription~',
  '/v1/api-keys/{id}': '~key~',
  '/v1/notifications/{id}': '~notification~',
};

/** Valid values of a parameter in the path or query of a route. */
export function parameterValues(path: string, name: string, schema: Schema, example: unknown): fc.Arbitrary<string> {
  const id = name === 'id' ? idOf[path] : undefined;
  if (id !== undefined) return fc.constant(id);
  const fromExample = example === undefined ? [] : [fc.constant(example)];
  return fc.oneof(...fromExample, valuesOf(schema, {}, name)).map(textOf);
}

/** Returns a parameter as text. An object, from a parameter without a type, becomes JSON, because it may have no `toString`. */
function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : `${value as string | number | boolean}`;
}

/** Values that a schema allows. `schemas` are the schemas that it may refer to; `name` is the field that has the value. */
export function valuesOf(
  schema: Schema,
  schemas: Readonly<Record<string, Schema>>,
  name?: string,
): fc.Arbitrary<unknown> {
  const usual = anyOf(schema, schemas);
  const hint = name === undefined || !Object.hasOwn(known, name) || schema.enum !== undefined ? undefined : known[name];
  return hint === undefined ? usual : fc.oneof({ weight: 4, arbitrary: hint }, { weight: 1, arbitrary: usual });
}

function anyOf(schema: Schema, schemas: Readonly<Record<string, Schema>>): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return valuesOf(schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, schemas);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((each) => valuesOf(each, schemas)));
  // The description uses `allOf` only to combine the patterns of an e-mail address.
  if (schema.allOf !== undefined) return fc.emailAddress();
  switch (schema.type) {
    case 'object':
      return objects(schema, schemas);
    case 'array':
      return arrays(schema, schemas);
    case 'string':
      return texts(schema);
    case 'integer':
      return fc.integer({ min: bounded(schema.minimum, -(2 ** 31)), max: bounded(schema.maximum, 2 ** 31 - 1) });
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e6, max: schema.maximum ?? 1e6, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function bounded(limit: number | undefined, otherwise: number): number {
  return Math.min(Math.max(limit ?? otherwise, -(2 ** 31)), 2 ** 31 - 1);
}

function objects(
  { properties = {}, required = [], additionalProperties }: Schema,
  schemas: Readonly<Record<string, Schema>>,
): fc.Arbitrary<unknown> {
  const fields = Object.entries(properties).map(([name, each]) => [name, valuesOf(each, schemas, name)] as const);
  const requiredKeys = required.filter((name) => Object.hasOwn(properties, name));
  const own = fc.record(Object.fromEntries(fields), { requiredKeys });
  if (additionalProperties === undefined || additionalProperties === false) return own;
  const more = additionalProperties === true ? fc.jsonValue({ maxDepth: 2 }) : valuesOf(additionalProperties, schemas);
  return fc
    .tuple(own, fc.dictionary(fc.string({ maxLength: 10 }), more, { maxKeys: 4 }))
    .map(([some, others]) => ({ ...others, ...some }));
}

function arrays({ items = {}, minItems = 0, maxItems = 4 }: Schema, schemas: Readonly<Record<string, Schema>>) {
  return fc.array(valuesOf(items, schemas), {
    minLength: minItems,
    maxLength: Math.max(minItems, Math.min(maxItems, 4)),
  });
}

/** Texts of a schema. fast-check cannot generate our patterns with Unicode classes, but any printable text matches them. */
function texts({ pattern, format, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time') {
    const [min, max] = [new Date('2020-01-01T00:00:00Z'), new Date('2035-01-01T00:00:00Z')];
    return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
  }
  if (format === 'uuid') return fc.uuid();
  const longest = Math.max(minLength, Math.min(maxLength, 40));
  if (pattern === undefined) return fc.string({ minLength, maxLength: longest });
  if (pattern.includes('\\p{')) return fc.stringMatching(/^[!-~]{1,40}$/).map((text) => text.slice(0, maxLength));
  return fc.stringMatching(new RegExp(pattern));
}
