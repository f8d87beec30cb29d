import { Injectable } from '@nestjs/common';
import { PnsError } from '@pns/runtime';
import type { UserKey } from '@pns/subscriptions';
import { DataSource } from 'typeorm';
import {
  propertyIn,
  toContext,
  toProperty,
  toSubject,
  type ListedRow,
  type PropertyRow,
  type StoredContext,
  type StoredProperty,
  type StoredUser,
  type SubjectRow,
} from './config-rows';
import { keyedPageOf, keyIn, type Page, type PageRequest } from './page';
import { putRow, removeRow, type Expected } from './versioned-row';

/** The place of a property: its scope and the id of the scope. */
export type PropertyPlace =
  | { readonly scope: 'server' }
  | { readonly scope: 'contextSet'; readonly set: string }
  | { readonly scope: 'context'; readonly context: number }
  | ({ readonly scope: 'user' } & UserKey);

/** A context set. Each write gives it a new version. */
export interface StoredContextSet {
  readonly name: string;
  readonly rank: number;
  readonly withTags: string;
  readonly version: string;
}

/** A stored entry, or an entry from a file in the same list. An entry from a file has no version. */
export type Listed<Stored extends { readonly version: string }> = Omit<Stored, 'version'> & {
  readonly version?: string;
};

/** The configuration that is common to all users: the properties of the server and of the context sets. */
export interface StoredCommon {
  readonly server: readonly StoredProperty[];
  readonly sets: readonly (StoredContextSet & { readonly properties: readonly StoredProperty[] })[];
}

/**
 * Limits of the properties of one context or user: their number, and the characters of their names and values. They are needed,
 * because the first delivery for the context or user loads all its properties into memory.
 */
const maxPropertiesPerPlace = 1000;
const maxPropertyCharactersPerPlace = 65_536;

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

  /** The properties of these contexts and users, in one query. */
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

  /** The properties that are set at one place, ordered by name. */
  async properties(place: PropertyPlace): Promise<StoredProperty[]> {
    const { table, where, values } = tableOf(place);
    const rows = await this.database.query<PropertyRow[]>(
      `SELECT name, value, final, version FROM ${table} WHERE ${where} ORDER BY name`,
      [...values],
    );
    return rows.map(toProperty);
  }

  /** Like `properties`, page by page. Adds the properties in `others` whose names are not set at the place. */
  async propertiesPage(
    place: PropertyPlace,
    { limit, cursor }: PageRequest,
    others: readonly Pick<StoredProperty, 'name' | 'value'>[] = [],
  ): Promise<Page<Listed<StoredProperty>>> {
    const { table, where, values } = tableOf(place);
    const [after = null] = keyIn(cursor, ['string']) ?? [];
    const [name, count, names, texts] = [1, 2, 3, 4].map((index) => `$${values.length + index}`);
    const rows = await this.database.query<ListedRow[]>(
      `SELECT name, value, final, version FROM (
         SELECT name, value, final, version FROM ${table} WHERE ${where}
         UNION ALL
         SELECT o.name COLLATE "C", o.value, NULL, NULL FROM unnest(${names}::text[], ${texts}::text[]) AS o (name, value)
         WHERE o.name NOT IN (SELECT name FROM ${table} WHERE ${where})
       ) AS p
       WHERE ${name}::text IS NULL OR name > ${name} ORDER BY name LIMIT ${count}`,
      [...values, after, limit + 1, others.map((each) => each.name), others.map((each) => each.value)],
    );
    const listed = rows.map(({ version, ...row }) => ({
      ...propertyIn(row),
      ...(version === null ? {} : { version }),
    }));
    return keyedPageOf(listed, limit, (property) => [property.name]);
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
   * Sets a property if its version is `expected`.
   *
   * @throws PnsError `VERSION_CHANGED`, `PROPERTY_LIMIT` when the context or user has reached a limit, or
   *   `CONTEXT_SET_NOT_FOUND` for an unknown context set.
   */
  async put(
    place: PropertyPlace,
    { name, value, final }: Omit<StoredProperty, 'version'>,
    expected?: Expected,
  ): Promise<StoredProperty> {
    const [table, key] = tableAndKeyOf(place);
    await this.assertRoom(place, name, value);
    try {
      const values = { value, final: final ?? null };
      const version = await putRow(this.database.manager, table, { ...key, name }, values, expected);
      return toProperty({ name, value, final: final ?? null, version });
    } catch (cause) {
      if ((cause as { driverError?: { code?: string } }).driverError?.code !== '23503') throw cause;
      throw new PnsError('CONTEXT_SET_NOT_FOUND', 'There is no context set with this name.', { cause });
    }
  }

  /** Throws if the property exceeds a limit. Concurrent writes can exceed a limit by one property each. */
  private async assertRoom(place: PropertyPlace, name: string, value: string): Promise<void> {
    if (place.scope !== 'context' && place.scope !== 'user') return;
    const { table, where, values } = tableOf(place);
    const [others] = await this.database.query<{ count: number; characters: number }[]>(
      `SELECT count(*)::int AS count, coalesce(sum(length(name) + length(value)), 0)::int AS characters
       FROM ${table} WHERE ${where} AND name <> $${values.length + 1}`,
      [...values, name],
    );
    const { count = 0, characters = 0 } = others ?? {};
    if (count >= maxPropertiesPerPlace) throw propertyLimit(`${maxPropertiesPerPlace} properties`);
    if (characters + name.length + value.length <= maxPropertyCharactersPerPlace) return;
    throw propertyLimit(`properties of ${maxPropertyCharactersPerPlace} characters, names and values together`);
  }

  /** Removes a property; returns whether it was set. @throws PnsError `VERSION_CHANGED` when its version is not `expected`. */
  remove(place: PropertyPlace, name: string, expected?: Expected): Promise<boolean> {
    const [table, key] = tableAndKeyOf(place);
    return removeRow(this.database.manager, table, { ...key, name }, expected);
  }

  /** All context sets, in the order in which they are tried. */
  async contextSets(): Promise<StoredContextSet[]> {
    return this.database.query<StoredContextSet[]>(`${selectSets} ORDER BY rank, name`);
  }

  /** Like `contextSets`, page by page. Adds the context sets in `others` whose names are not stored. */
  async contextSetsPage(
    { limit, cursor }: PageRequest,
    others: readonly Omit<StoredContextSet, 'version'>[] = [],
  ): Promise<Page<Listed<StoredContextSet>>> {
    const [rank = null, name = null] = keyIn(cursor, ['integer', 'string']) ?? [];
    const rows = await this.database.query<(Omit<StoredContextSet, 'version'> & { version: string | null })[]>(
      `SELECT name, rank, "withTags", version FROM (
         ${selectSets}
         UNION ALL
         SELECT o.name COLLATE "C", o.rank, o.tags, NULL
         FROM unnest($4::text[], $5::int[], $6::text[]) AS o (name, rank, tags)
         WHERE o.name NOT IN (SELECT name FROM context_sets)
       ) AS s
       WHERE $1::int IS NULL OR (rank, name) > ($1, $2) ORDER BY rank, name LIMIT $3`,
      [
        ...[rank, name, limit + 1],
        ...[others.map((set) => set.name), others.map((set) => set.rank), others.map((set) => set.withTags)],
      ],
    );
    const listed = rows.map(({ version, ...set }) => (version === null ? set : { ...set, version }));
    return keyedPageOf(listed, limit, (set) => [set.rank, set.name]);
  }

  async contextSet(name: string): Promise<StoredContextSet | undefined> {
    const [set] = await this.database.query<StoredContextSet[]>(`${selectSets} WHERE name = $1`, [name]);
    return set;
  }

  /** Adds or changes a context set; its properties stay. @throws PnsError `VERSION_CHANGED` as `put` does. */
  async putContextSet(
    { name, rank, withTags }: Omit<StoredContextSet, 'version'>,
    expected?: Expected,
  ): Promise<StoredContextSet> {
    const values = { rank, with_tags: withTags };
    const version = await putRow(this.database.manager, 'context_sets', { name }, values, expected);
    return { name, rank, withTags, version };
  }

  /** Removes a context set with its properties. @throws PnsError `VERSION_CHANGED` as `remove` does. */
  removeContextSet(name: string, expected?: Expected): Promise<boolean> {
    return removeRow(this.database.manager, 'context_sets', { name }, expected);
  }
}

const selectSets = 'SELECT name, rank, with_tags AS "withTags", version FROM context_sets';

/** The table of a place, and an SQL condition for its rows; `values` are the parameters from $1 on. */
function tableOf(place: PropertyPlace): {
  readonly table: string;
  readonly where: string;
  readonly values: readonly unknown[];
} {
  const [table, key] = tableAndKeyOf(place);
  const where = Object.keys(key).map((column, index) => `${column} = $${index + 1}`);
  return { table, where: where.join(' AND ') || 'true', values: Object.values(key) };
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

function propertyLimit(most: string): PnsError {
  return new PnsError('PROPERTY_LIMIT', `A context or a user can have at most ${most}; remove some first.`);
}
