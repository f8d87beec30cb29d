import { Injectable } from '@nestjs/common';
import { PnsError } from '@pns/runtime';
import type { UserKey } from '@pns/subscriptions';
import { DataSource } from 'typeorm';

/** The scopes of which each has a table. */
export type StoredScope = 'server' | 'contextSet' | 'context' | 'user';

/** Where a property is set. */
export type PropertyPlace =
  | { readonly scope: 'server' }
  | { readonly scope: 'contextSet'; readonly set: string }
  | { readonly scope: 'context'; readonly context: number }
  | ({ readonly scope: 'user' } & UserKey);

/** A property as it is kept. Its version is another one after each write. */
export interface StoredProperty {
  readonly name: string;
  readonly value: string;
  readonly final?: StoredScope;
  readonly version: string;
}

export interface StoredContextSet {
  readonly name: string;
  readonly rank: number;
  readonly withTags: string;
  readonly version: string;
}

/** What holds for everybody: the server's properties, and the context sets with theirs. */
export interface StoredCommon {
  readonly server: readonly StoredProperty[];
  readonly sets: readonly (StoredContextSet & { readonly properties: readonly StoredProperty[] })[];
}

export interface StoredContext {
  readonly context: number;
  readonly name?: string;
  readonly tags: readonly string[];
  readonly properties: readonly StoredProperty[];
  /** Whether any of its users has properties or tags. */
  readonly hasUsers: boolean;
}

export interface StoredUser extends UserKey {
  readonly tags: readonly string[];
  readonly properties: readonly StoredProperty[];
}

interface PropertyRow {
  readonly name: string;
  readonly value: string;
  readonly final: StoredScope | null;
  readonly version: string;
}

interface SubjectRow {
  readonly context: number;
  readonly user: number | null;
  readonly name: string | null;
  readonly tags: string[] | null;
  readonly properties: PropertyRow[] | null;
  readonly has_users: boolean | null;
}

/** The config cascade in Postgres. */
@Injectable()
export class ConfigStore {
  constructor(private readonly database: DataSource) {}

  async common(): Promise<StoredCommon> {
    const [server, sets, properties] = await Promise.all([
      this.properties({ scope: 'server' }),
      this.contextSets(),
      this.database.query<(PropertyRow & { set: string })[]>(
        'SELECT context_set AS set, name, value, final, version FROM context_set_properties ORDER BY name',
      ),
    ]);
    const bySet = new Map(sets.map(({ name }) => [name, [] as StoredProperty[]]));
    for (const { set, ...property } of properties) bySet.get(set)?.push(toProperty(property));
    return { server, sets: sets.map((set) => ({ ...set, properties: bySet.get(set.name) ?? [] })) };
  }

  /** What is set for these contexts and users, all in one query. */
  async subjects(
    contexts: readonly number[],
    users: readonly UserKey[],
  ): Promise<{ readonly contexts: readonly StoredContext[]; readonly users: readonly StoredUser[] }> {
    const rows = await this.database.query<SubjectRow[]>(
      `SELECT w.context_id AS context, NULL::int AS user, c.name, c.tags,
              (SELECT json_agg(json_build_object('name', p.name, 'value', p.value, 'final', p.final, 'version', p.version::text))
               FROM context_properties p WHERE p.context_id = w.context_id) AS properties,
              EXISTS (SELECT FROM user_properties p WHERE p.context_id = w.context_id)
                OR EXISTS (SELECT FROM users u WHERE u.context_id = w.context_id AND u.tags <> '{}') AS has_users
       FROM unnest($1::int[]) AS w (context_id) LEFT JOIN contexts c ON c.context_id = w.context_id
       UNION ALL
       SELECT w.context_id, w.user_id, NULL, u.tags,
              (SELECT json_agg(json_build_object('name', p.name, 'value', p.value, 'final', p.final, 'version', p.version::text))
               FROM user_properties p WHERE p.context_id = w.context_id AND p.user_id = w.user_id),
              NULL
       FROM unnest($2::int[], $3::int[]) AS w (context_id, user_id)
       LEFT JOIN users u ON u.context_id = w.context_id AND u.user_id = w.user_id`,
      [contexts, users.map(({ context }) => context), users.map(({ user }) => user)],
    );
    return {
      contexts: rows.filter(({ user }) => user === null).map(toContext),
      users: rows.flatMap((row) => (row.user === null ? [] : [{ ...toSubject(row), user: row.user }])),
    };
  }

  /** The properties that are set at one place, by name. */
  async properties(place: PropertyPlace): Promise<StoredProperty[]> {
    const { table, where, values } = tableOf(place);
    const rows = await this.database.query<PropertyRow[]>(
      `SELECT name, value, final, version FROM ${table} WHERE ${where} ORDER BY name`,
      [...values],
    );
    return rows.map(toProperty);
  }

  async property(place: PropertyPlace, name: string): Promise<StoredProperty | undefined> {
    const { table, where, values } = tableOf(place);
    const [row] = await this.database.query<PropertyRow[]>(
      `SELECT name, value, final, version FROM ${table} WHERE ${where} AND name = $${values.length + 1}`,
      [...values, name],
    );
    return row === undefined ? undefined : toProperty(row);
  }

  /**
   * Sets a property and answers its new version; with `ifVersion` only where it has that one.
   *
   * @throws PnsError `VERSION_CHANGED`, or `CONTEXT_SET_NOT_FOUND` for a context set that is not there.
   */
  async put(
    place: PropertyPlace,
    { name, value, final }: Omit<StoredProperty, 'version'>,
    ifVersion?: string,
  ): Promise<StoredProperty> {
    const { table, columns, where, values } = tableOf(place);
    const all = [...values, name, value, final ?? null];
    const n = values.length;
    const change = `value = $${n + 2}, final = $${n + 3}, version = nextval('config_version')`;
    const rows =
      ifVersion === undefined
        ? await this.inserted(
            `INSERT INTO ${table} (${[...columns, 'name', 'value', 'final'].join(', ')})
             VALUES (${all.map((_, index) => `$${index + 1}`).join(', ')})
             ON CONFLICT (${[...columns, 'name'].join(', ')}) DO UPDATE SET ${change} RETURNING version`,
            all,
          )
        : await this.changed(
            `UPDATE ${table} SET ${change} WHERE ${where} AND name = $${n + 1} AND version = $${n + 4} RETURNING version`,
            [...all, ifVersion],
          );
    if (rows[0] === undefined) throw versionChanged();
    return toProperty({ name, value, final: final ?? null, version: rows[0].version });
  }

  /**
   * Whether there was one to remove; with `ifVersion` only where it has that one.
   *
   * @throws PnsError `VERSION_CHANGED`.
   */
  async remove(place: PropertyPlace, name: string, ifVersion?: string): Promise<boolean> {
    const { table, where, values } = tableOf(place);
    const n = values.length;
    const rows = await this.changed(
      `DELETE FROM ${table} WHERE ${where} AND name = $${n + 1} AND ($${n + 2}::bigint IS NULL OR version = $${n + 2}) RETURNING version`,
      [...values, name, ifVersion ?? null],
    );
    if (rows.length === 0 && ifVersion !== undefined) throw versionChanged();
    return rows.length > 0;
  }

  async contextSets(): Promise<StoredContextSet[]> {
    return this.database.query<StoredContextSet[]>(`${selectSets} ORDER BY rank, name`);
  }

  async contextSet(name: string): Promise<StoredContextSet | undefined> {
    const [set] = await this.database.query<StoredContextSet[]>(`${selectSets} WHERE name = $1`, [name]);
    return set;
  }

  /** Adds or changes a context set; its properties stay. @throws PnsError `VERSION_CHANGED` as `put` does. */
  async putContextSet(
    { name, rank, withTags }: Omit<StoredContextSet, 'version'>,
    ifVersion?: string,
  ): Promise<StoredContextSet> {
    const change = `rank = $2, with_tags = $3, version = nextval('config_version')`;
    const rows =
      ifVersion === undefined
        ? await this.inserted(
            `INSERT INTO context_sets (name, rank, with_tags) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET ${change} RETURNING version`,
            [name, rank, withTags],
          )
        : await this.changed(`UPDATE context_sets SET ${change} WHERE name = $1 AND version = $4 RETURNING version`, [
            name,
            rank,
            withTags,
            ifVersion,
          ]);
    if (rows[0] === undefined) throw versionChanged();
    return { name, rank, withTags, version: rows[0].version };
  }

  /** Removes a context set with its properties. @throws PnsError `VERSION_CHANGED` as `remove` does. */
  async removeContextSet(name: string, ifVersion?: string): Promise<boolean> {
    const rows = await this.changed(
      'DELETE FROM context_sets WHERE name = $1 AND ($2::bigint IS NULL OR version = $2) RETURNING version',
      [name, ifVersion ?? null],
    );
    if (rows.length === 0 && ifVersion !== undefined) throw versionChanged();
    return rows.length > 0;
  }

  private async inserted(statement: string, values: readonly unknown[]): Promise<{ version: string }[]> {
    try {
      return await this.database.query<{ version: string }[]>(statement, [...values]);
    } catch (cause) {
      if ((cause as { driverError?: { code?: string } }).driverError?.code !== '23503') throw cause;
      throw new PnsError('CONTEXT_SET_NOT_FOUND', 'There is no context set of this name.', { cause });
    }
  }

  /** What an UPDATE or DELETE returned; the driver puts a count behind it. */
  private async changed(statement: string, values: readonly unknown[]): Promise<{ version: string }[]> {
    const [rows] = await this.database.query<[{ version: string }[], number]>(statement, [...values]);
    return rows;
  }
}

const selectSets = 'SELECT name, rank, with_tags AS "withTags", version FROM context_sets';

/** Table, key columns and key of a place. */
function tableOf(place: PropertyPlace): {
  readonly table: string;
  readonly columns: readonly string[];
  readonly where: string;
  readonly values: readonly unknown[];
} {
  const [table, key] = tableAndKeyOf(place);
  const columns = Object.keys(key);
  const where = columns.map((column, index) => `${column} = $${index + 1}`).join(' AND ') || 'true';
  return { table, columns, where, values: Object.values(key) };
}

function tableAndKeyOf(place: PropertyPlace): [table: string, key: Readonly<Record<string, string | number>>] {
  switch (place.scope) {
    case 'server':
      return ['server_properties', {}];
    case 'contextSet':
      return ['context_set_properties', { context_set: place.set }];
    case 'context':
      return ['context_properties', { context_id: place.context }];
    case 'user':
      return ['user_properties', { context_id: place.context, user_id: place.user }];
  }
}

function toProperty({ name, value, final, version }: PropertyRow): StoredProperty {
  return { name, value, version, ...(final === null ? {} : { final }) };
}

function toSubject({ context, tags, properties }: SubjectRow): Omit<StoredContext, 'hasUsers'> {
  return { context, tags: tags ?? [], properties: (properties ?? []).map(toProperty) };
}

function toContext(row: SubjectRow): StoredContext {
  return { ...toSubject(row), hasUsers: row.has_users === true, ...(row.name === null ? {} : { name: row.name }) };
}

/** Says that a write came too late. */
export function versionChanged(): PnsError {
  return new PnsError(
    'VERSION_CHANGED',
    'Somebody else has changed it since you read it; read it again and decide anew.',
  );
}
