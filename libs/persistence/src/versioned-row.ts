import { PnsError } from '@pns/runtime';
import type { EntityManager } from 'typeorm';

/**
 * The state that a write expects, so that it does not overwrite another change: one of these versions, any version, or no row.
 * Without an expectation a write always succeeds.
 */
export type Expected = { readonly version: string } | { readonly versions: readonly string[] } | 'present' | 'absent';

/** Values by column. */
type Columns = Readonly<Record<string, unknown>>;

type Written = readonly { readonly version: string }[];

/**
 * Adds or changes the row with this key and returns its new version.
 *
 * @throws PnsError `VERSION_CHANGED` when the version is not `expected`; then the row is not changed.
 */
export async function putRow(
  manager: EntityManager,
  table: string,
  key: Columns,
  values: Columns,
  expected?: Expected,
): Promise<string> {
  const columns = [...Object.keys(key), ...Object.keys(values)];
  const parameters = [...Object.values(key), ...Object.values(values)];
  const place = (column: string) => `$${columns.indexOf(column) + 1}`;
  const changes = [
    ...Object.keys(values).map((column) => `${column} = ${place(column)}`),
    `version = nextval('config_version')`,
  ].join(', ');
  if (expected === undefined || expected === 'absent') {
    const otherwise = expected === 'absent' ? 'NOTHING' : `UPDATE SET ${changes}`;
    const [added] = await manager.query<Written>(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(place).join(', ')})
       ON CONFLICT (${Object.keys(key).join(', ')}) DO ${otherwise} RETURNING version`,
      parameters,
    );
    if (added === undefined) throw versionChanged(expected);
    return added.version;
  }
  const [[changed]] = await manager.query<[Written, number]>(
    `UPDATE ${table} SET ${changes} WHERE ${conditions(key)} AND ${versionFits(columns.length + 1)} RETURNING version`,
    [...parameters, versionIn(expected)],
  );
  if (changed === undefined) throw versionChanged(expected);
  return changed.version;
}

/** Removes a row; returns whether it existed. @throws PnsError `VERSION_CHANGED` like `putRow`. */
export async function removeRow(
  manager: EntityManager,
  table: string,
  key: Columns,
  expected?: Expected,
): Promise<boolean> {
  const keys = Object.values(key);
  const [, removed] = await manager.query<[unknown, number]>(
    `DELETE FROM ${table} WHERE ${conditions(key)} AND ${versionFits(keys.length + 1)}`,
    [...keys, versionIn(expected)],
  );
  if (removed === 0 && expected !== undefined) throw versionChanged(expected);
  return removed > 0;
}

/** The error of a write whose expectation does not hold. */
export function versionChanged(expected?: Expected): PnsError {
  return new PnsError('VERSION_CHANGED', sentenceFor(expected));
}

function sentenceFor(expected?: Expected): string {
  switch (expected) {
    case 'absent':
      return 'The resource already exists: another request created it. Read it before you change it.';
    case 'present':
      return 'The resource does not exist, or it was removed.';
    default:
      return 'The resource was changed by another request. Read it again and repeat your change.';
  }
}

/** The SQL condition for a key, whose values are the parameters from $1 on. */
function conditions(key: Columns): string {
  return Object.keys(key)
    .map((column, index) => `${column} = $${index + 1}`)
    .join(' AND ');
}

function versionFits(place: number): string {
  return `($${place}::bigint[] IS NULL OR version = ANY ($${place}))`;
}

/** The expected versions; null for any. */
export function versionIn(expected: Expected | undefined): readonly string[] | null {
  if (typeof expected !== 'object') return null;
  return 'versions' in expected ? expected.versions : [expected.version];
}
