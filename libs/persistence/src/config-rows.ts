import type { UserKey } from '@pns/subscriptions';

/** The scopes that have a table. */
type StoredScope = 'server' | 'contextSet' | 'context' | 'user';

/** A stored property. Each write gives it a new version. */
export interface StoredProperty {
  readonly name: string;
  readonly value: string;
  readonly final?: StoredScope;
  readonly version: string;
}

/** A context, its tags and its properties. */
export interface StoredContext {
  readonly context: number;
  readonly name?: string;
  readonly tags: readonly string[];
  readonly properties: readonly StoredProperty[];
  /** Whether any of its users has properties or tags. */
  readonly hasUsers: boolean;
}

/** A user, its tags and its properties. */
export interface StoredUser extends UserKey {
  readonly tags: readonly string[];
  readonly properties: readonly StoredProperty[];
}

export interface PropertyRow {
  readonly name: string;
  readonly value: string;
  readonly final: StoredScope | null;
  readonly version: string;
}

export type ListedRow = Omit<PropertyRow, 'version'> & { readonly version: string | null };

export interface SubjectRow {
  readonly context: number;
  readonly user: number | null;
  readonly name: string | null;
  readonly tags: string[] | null;
  readonly properties: PropertyRow[] | null;
  readonly has_users: boolean | null;
}

export function toProperty({ version, ...row }: PropertyRow): StoredProperty {
  return { ...propertyIn(row), version };
}

export function propertyIn({ name, value, final }: Omit<PropertyRow, 'version'>): Omit<StoredProperty, 'version'> {
  return { name, value, ...(final === null ? {} : { final }) };
}

export function toSubject({ context, tags, properties }: SubjectRow): Omit<StoredContext, 'hasUsers'> {
  return { context, tags: tags ?? [], properties: (properties ?? []).map(toProperty) };
}

export function toContext(row: SubjectRow): StoredContext {
  return { ...toSubject(row), hasUsers: row.has_users === true, ...(row.name === null ? {} : { name: row.name }) };
}
