import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { clientTransportPlace } from './client-transport.store';
import { invalidCursor, keyIn } from './page';
import { keysPlace } from './push-keys';
import { Seal } from './seal';
import { serverKeyPlace } from './server-key.store';
import { metaPlace } from './subscription.entity';

/** The result of one step of a rotation. */
interface RotationStep {
  /** The number of secrets that were encrypted with the first key. */
  readonly rotated: number;
  /** The rows whose secret was altered, or whose key PNS_ENCRYPTION_KEY does not contain. They are unchanged. */
  readonly unreadable: readonly string[];
  /** Absent after the last step. */
  readonly nextCursor?: string;
}

/** A column with secrets. */
interface SealedColumn {
  readonly table: string;
  readonly column: string;
  /** The names of the columns of the primary key. */
  readonly key: readonly string[];
  readonly type: 'text' | 'uuid';
  readonly placeOf: (key: readonly string[]) => string;
}

/** Every column that `Seal` encrypts. A test compares this list with the columns of type bytea. */
const sealedColumns: readonly SealedColumn[] = [
  {
    ...{ table: 'client_transports', column: 'options', key: ['client', 'transport'], type: 'text' },
    placeOf: ([client = '', transport = '']) => clientTransportPlace(client, transport),
  },
  {
    ...{ table: 'server_keys', column: 'pair', key: ['name'], type: 'text' },
    placeOf: ([name = '']) => serverKeyPlace(name),
  },
  { table: 'subscriptions', column: 'meta', key: ['id'], type: 'uuid', placeOf: () => metaPlace },
  { table: 'subscriptions', column: 'keys', key: ['id'], type: 'uuid', placeOf: () => keysPlace },
];

/** The maximum numbers of rows that one step reads and one statement counts, so that no statement on a large table times out. */
const [rowsPerStep, rowsPerCount] = [10_000, 100_000] as const;

/** Encrypts the secrets in Postgres again, with the first key of PNS_ENCRYPTION_KEY, while other processes read and write them. */
@Injectable()
export class SecretRotation {
  constructor(
    private readonly database: DataSource,
    private readonly seal: Seal,
  ) {}

  /**
   * Encrypts up to `limit` secrets after `cursor` again, and reads up to `rows` rows for that. Safe to repeat and to run
   * concurrently. A row that another transaction has locked is skipped, so that neither transaction waits; `remaining` counts it.
   *
   * @throws PnsError `ENCRYPTION_KEY_MISSING` without a key, `CURSOR_INVALID`.
   */
  async step(cursor: string | undefined, limit: number, rows: number = rowsPerStep): Promise<RotationStep> {
    const { at, after, column } = positionIn(cursor);
    const keyId = this.seal.currentKeyId;
    const end = await this.endOf(column, after, rows);
    const { found, unreadable } = await this.database.transaction(async (manager) => {
      const found = await this.notCurrent(manager, column, keyId, { after, end }, limit);
      const opened = found.map((row) => ({ ...row, again: this.resealed(row, column) }));
      await update(manager, column, opened);
      return { found, unreadable: opened.filter(({ again }) => again === undefined) };
    });
    const last = found.length < limit ? end : found.at(-1)?.key;
    const isOver = last === undefined && at === sealedColumns.length - 1;
    const next = last === undefined ? { at: at + 1, after: [] } : { at, after: last };
    return {
      rotated: found.length - unreadable.length,
      unreadable: unreadable.map(({ key }) => `${column.table} ${key.join(' ')} ${column.column}`),
      ...(isOver ? {} : { nextCursor: cursorOf(next) }),
    };
  }

  /** How many secrets are not encrypted with the first key, unreadable ones included. */
  async remaining(rows: number = rowsPerCount): Promise<number> {
    const keyId = this.seal.currentKeyId;
    let remaining = 0;
    for (const column of sealedColumns) {
      for (let after: readonly string[] | undefined = []; after !== undefined;) {
        const end: readonly string[] | undefined = await this.endOf(column, after, rows);
        const { condition, parameters } = within(column, { after, end }, [keyId]);
        const [found] = await this.database.query<{ count: number }[]>(
          `SELECT count(*)::int AS count FROM ${column.table}
           WHERE ${column.column} IS NOT NULL AND ${isOfOtherKey(column.column)} AND ${condition}`,
          parameters,
        );
        remaining += found?.count ?? 0;
        after = end;
      }
    }
    return remaining;
  }

  /** The key of the last of the `rows` rows that follow `after`; undefined if there are fewer. */
  private async endOf(
    column: SealedColumn,
    after: readonly string[],
    rows: number,
  ): Promise<readonly string[] | undefined> {
    const { condition, parameters } = within(column, { after, end: undefined }, [rows - 1]);
    const [last] = await this.database.query<Pick<SealedRow, 'key'>[]>(
      `SELECT ${keyTexts(column)} AS key FROM ${column.table}
       WHERE ${condition} ORDER BY ${column.key.join()} OFFSET $1 LIMIT 1`,
      parameters,
    );
    return last?.key;
  }

  private notCurrent(
    manager: EntityManager,
    sealed: SealedColumn,
    keyId: Buffer,
    range: KeyRange,
    limit: number,
  ): Promise<SealedRow[]> {
    const { table, column, key } = sealed;
    const { condition, parameters } = within(sealed, range, [keyId, limit]);
    return manager.query<SealedRow[]>(
      `SELECT ${keyTexts(sealed)} AS key, ${column} AS sealed FROM ${table}
       WHERE ${column} IS NOT NULL AND ${isOfOtherKey(column)} AND ${condition}
       ORDER BY ${key.join()} LIMIT $2 FOR UPDATE SKIP LOCKED`,
      parameters,
    );
  }

  private resealed({ key, sealed }: SealedRow, { placeOf }: SealedColumn): Buffer | undefined {
    const place = placeOf(key);
    let text;
    try {
      text = this.seal.open(sealed, place);
    } catch {
      return undefined;
    }
    return this.seal.seal(text, place);
  }
}

interface SealedRow {
  readonly key: readonly string[];
  readonly sealed: Buffer;
}

/**
 * The rows whose keys are greater than `after` and at most `end`. If `after` is empty, the range begins at the first row. Without
 * `end`, it ends at the last one.
 */
interface KeyRange {
  readonly after: readonly string[];
  readonly end: readonly string[] | undefined;
}

/** The SQL condition for a range. Its parameters follow the parameters in `before`. */
function within(
  { key, type }: SealedColumn,
  { after, end = [] }: KeyRange,
  before: readonly unknown[],
): { readonly condition: string; readonly parameters: unknown[] } {
  const parameters = [...before];
  const places = (values: readonly string[]) => values.map((value) => `$${parameters.push(value)}::${type}`).join();
  const conditions = ['true'];
  if (after.length > 0) conditions.push(`(${key.join()}) > (${places(after)})`);
  if (end.length > 0) conditions.push(`(${key.join()}) <= (${places(end)})`);
  return { condition: conditions.join(' AND '), parameters };
}

function keyTexts({ key }: SealedColumn): string {
  return `ARRAY[${key.map((name) => `${name}::text`).join()}]`;
}

/** SQL condition: the secret was not encrypted with the first key, whose id is `$1`. */
function isOfOtherKey(column: string): string {
  return `substring(${column} from 2 for 4) <> $1::bytea`;
}

/** Writes the new secrets of locked rows. Other columns, such as the version of client options, do not change. */
async function update(
  manager: EntityManager,
  { table, column, key, type }: SealedColumn,
  rows: readonly (SealedRow & { readonly again: Buffer | undefined })[],
): Promise<void> {
  const changed = rows.filter(({ again }) => again !== undefined);
  if (changed.length === 0) return;
  const names = key.map((name) => `given.${name}`);
  const given = [...key.map((_, index) => `$${index + 2}::${type}[]`), '$1::bytea[]'];
  await manager.query(
    `UPDATE ${table} t SET ${column} = given.sealed
     FROM unnest(${given.join()}) AS given (${key.join()}, sealed)
     WHERE (${key.map((name) => `t.${name}`).join()}) = (${names.join()})`,
    [changed.map(({ again }) => again), ...key.map((_, index) => changed.map((row) => row.key[index]))],
  );
}

interface Position {
  readonly at: number;
  readonly after: readonly string[];
}

/** Returns the cursor of a position. A key has one or two parts, none of them empty, so an empty text stands for no part. */
function cursorOf({ at, after: [first = '', second = ''] }: Position): string {
  return Buffer.from(JSON.stringify([at, first, second])).toString('base64url');
}

/** @throws PnsError `CURSOR_INVALID`. */
function positionIn(cursor: string | undefined): Position & { readonly column: SealedColumn } {
  const [at = 0, ...parts] = keyIn(cursor, ['integer', 'string', 'string']) ?? [];
  const after = parts.map(String).filter((part) => part !== '');
  const column = sealedColumns[Number(at)];
  const isFitting = after.length === 0 || after.length === column?.key.length;
  if (column === undefined || !isFitting) throw invalidCursor();
  if (column.type === 'uuid' && !after.every((part) => isUuid.test(part))) throw invalidCursor();
  return { at: Number(at), after, column };
}

const isUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
