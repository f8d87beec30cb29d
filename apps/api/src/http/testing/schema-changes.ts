/** A JSON schema, as far as the rules below read it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly [keyword: string]: unknown;
}

export type Schemas = Readonly<Record<string, Schema>>;

/** A request must accept all that it accepted before; a response must still contain all that it contained before. */
export type Direction = 'request' | 'response';

interface SchemaChange {
  /** The property that the change is about; absent for the schema itself. */
  readonly property?: string;
  /** One clause without a subject, such as `lacks a property`. */
  readonly text: string;
}

interface SchemaPair {
  readonly before: Schemas;
  readonly after: Schemas;
  readonly direction: Direction;
}

/** For each keyword, whether the limit `after` is narrower than the limit `before`. */
const limits: Readonly<Record<string, (before: number, after: number) => boolean>> = {
  minimum: (before, after) => after > before,
  exclusiveMinimum: (before, after) => after > before,
  minLength: (before, after) => after > before,
  minItems: (before, after) => after > before,
  maximum: (before, after) => after < before,
  exclusiveMaximum: (before, after) => after < before,
  maxLength: (before, after) => after < before,
  maxItems: (before, after) => after < before,
};

/** Compares two schemas. In a response, new values of an enumeration and other limits are compatible. */
export class SchemaComparison {
  /** Pairs of references that are being compared, because schemas may contain themselves. */
  private readonly open = new Set<string>();

  constructor(private readonly pair: SchemaPair) {}

  changes(before: Schema, after: Schema): SchemaChange[] {
    const key = before.$ref !== undefined && after.$ref !== undefined ? `${before.$ref} ${after.$ref}` : undefined;
    if (key !== undefined && this.open.has(key)) return [];
    if (key !== undefined) this.open.add(key);
    const found = this.ofResolved(resolved(before, this.pair.before), resolved(after, this.pair.after));
    if (key !== undefined) this.open.delete(key);
    return found;
  }

  private ofResolved(before: Schema, after: Schema): SchemaChange[] {
    if (isUnion(before) || isUnion(after)) return this.ofUnions(branches(before), branches(after));
    const types = this.ofTypes(before, after);
    if (types.length > 0) return types;
    return [
      ...this.ofValues(before, after),
      ...this.ofLimits(before, after),
      ...this.ofProperties(before, after),
      ...this.ofRequired(before, after),
      ...(before.items && after.items ? this.changes(before.items, after.items) : []),
      ...this.ofAdditional(before.additionalProperties, after.additionalProperties),
    ];
  }

  private ofUnions(before: readonly Schema[], after: readonly Schema[]): SchemaChange[] {
    const isRequest = this.pair.direction === 'request';
    const [each, among] = isRequest ? [before, after] : [after, before];
    const compare = (one: Schema, other: Schema): SchemaChange[] =>
      isRequest ? this.changes(one, other) : this.changes(other, one);
    return each.flatMap((one, index) => {
      const results = among.map((other) => compare(one, other));
      if (results.some(({ length }) => length === 0)) return [];
      const text = isRequest ? `refuses alternative ${index + 1}` : `has the new alternative ${index + 1}`;
      return results[index] !== undefined && before.length === after.length ? results[index] : [{ text }];
    });
  }

  private ofTypes(before: Schema, after: Schema): SchemaChange[] {
    const [wide, narrow] = this.pair.direction === 'request' ? [after, before] : [before, after];
    const allowed = typesOf(wide);
    if (allowed === undefined) return [];
    const missing = typesOf(narrow)?.filter((type) => !allowed.includes(type)) ?? ['any type'];
    const verb = this.pair.direction === 'request' ? 'refuses' : 'may be';
    return missing.length === 0 ? [] : [{ text: `${verb} ${missing.join(', ')} now` }];
  }

  private ofValues(before: Schema, after: Schema): SchemaChange[] {
    const now = valuesOf(after);
    if (this.pair.direction === 'response' || now === undefined) return [];
    const refused = valuesOf(before)?.filter((value) => !now.includes(value)) ?? ['other values'];
    return refused.length === 0 ? [] : [{ text: `refuses ${refused.join(', ')}` }];
  }

  private ofLimits(before: Schema, after: Schema): SchemaChange[] {
    if (this.pair.direction === 'response') return [];
    const narrower = Object.entries(limits).filter(([keyword, isNarrower]) => {
      const [old, now] = [before[keyword], after[keyword]];
      return typeof now === 'number' && (typeof old !== 'number' || isNarrower(old, now));
    });
    const exact = ['pattern', 'format', 'multipleOf', 'uniqueItems', 'allOf'].filter(
      (keyword) => after[keyword] !== undefined && JSON.stringify(after[keyword]) !== JSON.stringify(before[keyword]),
    );
    return [...narrower.map(([keyword]) => keyword), ...exact].map((keyword) => ({
      text: `has a narrower ${keyword}`,
    }));
  }

  private ofProperties(before: Schema, after: Schema): SchemaChange[] {
    return Object.entries(before.properties ?? {}).flatMap(([property, schema]) => {
      const now = after.properties?.[property];
      if (now === undefined) return [{ property, text: 'was removed' }];
      return this.changes(schema, now).map((change) => ({ property, ...change }));
    });
  }

  private ofRequired({ required: before = [] }: Schema, { required: after = [], properties }: Schema): SchemaChange[] {
    const isRequest = this.pair.direction === 'request';
    const [more, fewer] = isRequest ? [after, before] : [before, after];
    const text = isRequest ? 'is required now' : 'may be absent now';
    // A property that was removed from a response is left out here, because `ofProperties` reports it.
    return more
      .filter((property) => !fewer.includes(property) && (isRequest || properties?.[property] !== undefined))
      .map((property) => ({ property, text }));
  }

  private ofAdditional(before: boolean | Schema = true, after: boolean | Schema = true): SchemaChange[] {
    if (typeof before === 'object' && typeof after === 'object') return this.changes(before, after);
    const isNarrower = this.pair.direction === 'request' && before !== false && after === false;
    return isNarrower ? [{ text: 'refuses other properties' }] : [];
  }
}

function resolved(schema: Schema, schemas: Schemas): Schema {
  if (schema.$ref === undefined) return schema;
  const name = schema.$ref.split('/').at(-1) ?? '';
  const target = schemas[name];
  if (target === undefined) throw new Error(`The document has no schema ${name}.`);
  return resolved(target, schemas);
}

function isUnion({ anyOf, oneOf }: Schema): boolean {
  return anyOf !== undefined || oneOf !== undefined;
}

function branches(schema: Schema): readonly Schema[] {
  return schema.anyOf ?? schema.oneOf ?? [schema];
}

/** The types that a schema allows; undefined for all types. The type number includes the integers. */
function typesOf({ type }: Schema): readonly string[] | undefined {
  if (type === undefined) return undefined;
  const types = typeof type === 'string' ? [type] : type;
  return types.includes('number') ? [...types, 'integer'] : types;
}

function valuesOf(schema: Schema): readonly unknown[] | undefined {
  return schema.enum ?? ('const' in schema ? [schema.const] : undefined);
}
