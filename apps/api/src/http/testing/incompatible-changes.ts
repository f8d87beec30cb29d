import { SchemaComparison, type Direction, type Schema, type Schemas } from './schema-changes';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Schema;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses?: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>;
  readonly security?: readonly object[];
  readonly 'x-scopes'?: readonly string[];
}

/** An OpenAPI document, as far as the rules read it. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Schemas };
}

/** A change that breaks a client of the previous document. */
interface IncompatibleChange {
  /** For example `/v1/sessions`. */
  readonly path: string;
  /** A property, a parameter, a problem code, or the operation (`POST /v1/sessions`). */
  readonly subject: string;
  readonly text: string;
}

/** The changes in `after` that break a client of `before`, for each operation. */
export function incompatibleChanges(before: ApiDocument, after: ApiDocument): IncompatibleChange[] {
  const changes = Object.entries(before.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => {
      const name = `${method.toUpperCase()} ${path}`;
      const now = after.paths[path]?.[method];
      const found: Found[] =
        now === undefined ? [{ text: 'was removed' }] : new OperationRules(before, after).changes(operation, now);
      return found.map(({ subject = name, text }) => ({ path, subject, text: `${name}: ${text}` }));
    }),
  );
  return [...changes, ...lostCodes(before, after)];
}

/**
 * The changes that the section `### Breaking` below `## Unreleased` does not name. A bullet names a change if it contains, in
 * backticks, the subject, and the path or a beginning of the path (`/v1` stands for all paths below).
 */
export function unnamedChanges(changes: readonly IncompatibleChange[], changelog: string): IncompatibleChange[] {
  const unreleased = changelog.split(/^## /m).find((section) => section.startsWith('Unreleased')) ?? '';
  const breaking = unreleased.split(/^### /m).find((section) => section.startsWith('Breaking')) ?? '';
  const bullets = breaking.split(/^- /m).slice(1);
  return changes.filter(({ path, subject }) => !bullets.some((bullet) => isNamed(bullet, path, subject)));
}

function isNamed(bullet: string, path: string, subject: string): boolean {
  const names = [...bullet.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
  const paths = names.map((name) => name.replace(/^[A-Z]+ (?=\/)/, '')).filter((name) => name.startsWith('/'));
  return names.includes(subject) && paths.some((name) => `${path}/`.startsWith(`${name}/`));
}

interface Found {
  readonly subject?: string;
  readonly text: string;
}

class OperationRules {
  constructor(
    private readonly before: ApiDocument,
    private readonly after: ApiDocument,
  ) {}

  changes(before: Operation, after: Operation): Found[] {
    return [
      ...this.parameterChanges(before.parameters ?? [], after.parameters ?? []),
      ...this.bodyChanges(before.requestBody, after.requestBody),
      ...this.responseChanges(before.responses ?? {}, after.responses ?? {}),
      ...rightChanges(before, after),
    ];
  }

  private parameterChanges(before: readonly Parameter[], after: readonly Parameter[]): Found[] {
    const same = (one: Parameter) => (other: Parameter) => other.name === one.name && other.in === one.in;
    const kept = before.flatMap((parameter): Found[] => {
      const now = after.find(same(parameter));
      if (now === undefined) return [{ subject: parameter.name, text: `the parameter ${parameter.name} was removed` }];
      const found = this.schemaChanges('request', parameter.schema, now.schema);
      return found.map(({ text }) => ({ subject: parameter.name, text: `the parameter ${parameter.name} ${text}` }));
    });
    const required = after.filter((parameter) => parameter.required && !before.find(same(parameter))?.required);
    return [...kept, ...required.map(({ name }) => ({ subject: name, text: `the parameter ${name} is required now` }))];
  }

  private bodyChanges(before: Operation['requestBody'], after: Operation['requestBody']): Found[] {
    const isRequired = after?.required === true && before?.required !== true;
    const required = isRequired ? [{ text: 'a body is required now' }] : [];
    return [...required, ...this.contentChanges('request', 'the body', before?.content, after?.content)];
  }

  private responseChanges(
    before: NonNullable<Operation['responses']>,
    after: NonNullable<Operation['responses']>,
  ): Found[] {
    return Object.entries(before).flatMap(([status, { content }]): Found[] => {
      const now = after[status];
      if (now === undefined) return [{ text: `the response ${status} was removed` }];
      return this.contentChanges('response', `the response ${status}`, content, now.content);
    });
  }

  private contentChanges(direction: Direction, part: string, before: Content = {}, after: Content = {}): Found[] {
    return Object.entries(before).flatMap(([mediaType, { schema }]): Found[] => {
      const now = after[mediaType];
      if (now === undefined) return [{ text: `${part} is no ${mediaType} any more` }];
      return this.schemaChanges(direction, schema, now.schema).map(({ subject, text }) =>
        subject === undefined ? { text: `${part} ${text}` } : { subject, text: `${subject} of ${part} ${text}` },
      );
    });
  }

  private schemaChanges(direction: Direction, before: Schema = {}, after: Schema = {}): Found[] {
    const schemas = { before: this.before.components?.schemas ?? {}, after: this.after.components?.schemas ?? {} };
    const found = new SchemaComparison({ ...schemas, direction }).changes(before, after);
    return found.map(({ property, text }) => (property === undefined ? { text } : { subject: property, text }));
  }
}

/** Finds scopes and kinds of credentials that sufficed before and do not suffice now. */
function rightChanges(before: Operation, after: Operation): Found[] {
  const scopes = (before['x-scopes'] ?? []).filter((scope) => after['x-scopes']?.includes(scope) !== true);
  const now = (after.security ?? []).map((scheme) => JSON.stringify(scheme));
  const schemes = (before.security ?? []).filter((scheme) => now.length > 0 && !now.includes(JSON.stringify(scheme)));
  const isClosed = (before.security ?? []).length === 0 && now.length > 0;
  return [
    ...(scopes.length > 0 ? [{ text: `the scope ${scopes.join(', ')} does not suffice any more` }] : []),
    ...(schemes.length > 0 || isClosed ? [{ text: 'other credentials are needed now' }] : []),
  ];
}

/** Finds problem codes that no description of a response lists any more. Clients may depend on every code. */
function lostCodes(before: ApiDocument, after: ApiDocument): IncompatibleChange[] {
  const now = codesOf(after);
  return [...codesOf(before)]
    .filter(([code]) => !now.has(code))
    .map(([code, path]) => ({ path, subject: code, text: `the problem code ${code} was removed` }));
}

/** Each code with the first path that answers it. */
function codesOf({ paths }: ApiDocument): ReadonlyMap<string, string> {
  const found = Object.entries(paths).flatMap(([path, methods]) =>
    Object.values(methods).flatMap(({ responses = {} }) =>
      Object.values(responses).flatMap(({ description = '' }) =>
        [...description.matchAll(/`([A-Z][A-Z_]+)`:/g)].map(([, code = '']): [string, string] => [code, path]),
      ),
    ),
  );
  return new Map(found.reverse());
}
