import { PnsError } from '@pns/runtime';
import type { EntityManager } from 'typeorm';

/**
 * What a write expects to find, so that it overwrites nobody unseen: one of these versions, any at all, or nothing. A write
 * that expects none of it finds what it may.
 */
export type Expected = { readonly version: string } | { readonly versions: readonly string[] } | 'present' | 'absent';

/** Values by column. */
type Columns = Readonly<Record<string, unknown>>;

type Written = readonly { readonly version: string }[];

/**
 * Adds or changes the row with this key in a table whose rows have another version after each write; answers that one.
 *
 * @throws PnsError `VERSION_CHANGED` where it is not as `expected`, which then stays.
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

/** Whether there was one to remove. @throws PnsError `VERSION_CHANGED` as `putRow` does. */
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

/** Says that a write came too late. */
export function versionChanged(expected?: Expected): PnsError {
  return new PnsError('VERSION_CHANGED', sentenceFor(expected));
}

function sentenceFor(expected?: Expected): string {
  switch (expected) {
    case 'absent':
      return 'It is there already: somebody else has created it. Read it and decide anew.';
    case 'present':
      return 'It is not there, or not any more, so that there is nothing to change.';
    default:
      return 'Somebody else has changed it since you read it; read it again and decide anew.';
  }
}

/** The key's columns come first among the parameters. */
function conditions(key: Columns): string {
  return Object.keys(key)
    .map((column, index) => `${column} = $${index + 1}`)
    .join(' AND ');
}

function versionFits(place: number): string {
  return `($${place}::bigint[] IS NULL OR version = ANY ($${place}))`;
}

/** The versions that are asked for; null when it does not matter. */
export function versionIn(expected: Expected | undefined): readonly string[] | null {
  if (typeof expected !== 'object') return null;
  return 'versions' in expected ? expected.versions : [expected.version];
}
