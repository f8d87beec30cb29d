import { readFileSync } from 'node:fs';
import { join } from 'node:path';
/** The parts of a JSON schema that our description uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
  readonly example?: unknown;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;
  };
  readonly responses: Readonly<Record<string, unknown>>;
  readonly security?: readonly Readonly<Record<string, unknown>>[];
}

export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** An operation of the API, as its description defines it. */
export interface Route {
  /** The HTTP method, in upper case. */
  readonly method: string;
  /** The path, with its parameters in braces. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** The schema and the example of the body, by media type. */
  readonly bodies: Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;
  /** The statuses that the description names. */
  readonly statuses: ReadonlySet<number>;
  readonly isOfSessions: boolean;
}

export function routesOf({ paths }: Description): Route[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [], requestBody, responses, security = [] }]) => ({
      method: method.toUpperCase(),
      path,
      parameters,
      bodies: requestBody?.content ?? {},
      statuses: new Set(Object.keys(responses).map(Number)),
      isOfSessions: security.some((each) => 'session' in each),
    })),
  );
}

/** The committed description of the API. */
export function description(): Description {
  return JSON.parse(readFileSync(join(__dirname, '..', '..', '..', '..', 'openapi.json'), 'utf8')) as Description;
}
