import { PnsError } from '@pns/runtime';

/** A part of a list, and where the next one begins. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** Which part of a list is wanted: `limit` rows after the one that `cursor`, an earlier `nextCursor`, stands for. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What a list is ordered by: the time of a row's creation in ms, then its id. */
export interface Position {
  readonly createdAt: number;
  readonly id: string;
}

/** The page that `rows`, read with a limit of one more than asked for, amount to. */
export function pageOf<T extends Position>(rows: readonly T[], limit: number): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items };
  return { items, nextCursor: Buffer.from(`${last.createdAt}.${last.id}`).toString('base64url') };
}

/** The same for a list that is ordered by a number. */
export function numberedPageOf<T>(rows: readonly T[], limit: number, numberOf: (row: T) => number): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items };
  return { items, nextCursor: Buffer.from(String(numberOf(last))).toString('base64url') };
}

/** The same for a list that is ordered by what `keyOf` answers of a row: its texts and numbers, the first one first. */
export function keyedPageOf<T>(rows: readonly T[], limit: number, keyOf: (row: T) => readonly Part[]): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items };
  return { items, nextCursor: Buffer.from(JSON.stringify(keyOf(last))).toString('base64url') };
}

/**
 * The key behind which the page begins; undefined for the first page. `kinds` are those of its parts.
 *
 * @throws PnsError `CURSOR_INVALID` for anything but `keyedPageOf`'s.
 */
export function keyIn(cursor: string | undefined, kinds: readonly Kind[]): readonly Part[] | undefined {
  if (cursor === undefined) return undefined;
  const key = parsed(Buffer.from(cursor, 'base64url').toString());
  if (!Array.isArray(key) || key.length !== kinds.length) throw invalidCursor();
  if (!key.every((part, index) => isOfKind(part, kinds[index]))) throw invalidCursor();
  return key as Part[];
}

type Part = string | number;
type Kind = 'string' | 'integer';

/** Postgres takes neither other numbers for an integer, nor NUL in a text. */
function isOfKind(part: unknown, kind: Kind | undefined): boolean {
  if (kind === 'integer') return isInteger(part);
  return typeof part === 'string' && !part.includes('\0');
}

function isInteger(value: unknown): boolean {
  return Number.isInteger(value) && Math.abs(value as number) < 2 ** 31;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws PnsError `CURSOR_INVALID` for anything that `pageOf` has not made of rows with such ids. */
export function positionOf(cursor: string, idSyntax = uuid): Position {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const [, createdAt, id] = /^(\d{1,15})\.(.+)$/.exec(text) ?? [];
  if (createdAt === undefined || id === undefined || !idSyntax.test(id)) throw invalidCursor();
  return { createdAt: Number(createdAt), id };
}

/** The number behind which the page begins. @throws PnsError `CURSOR_INVALID` for anything but `numberedPageOf`'s. */
export function numberIn(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!/^[1-9]\d{0,9}$/.test(text) || !isInteger(Number(text))) throw invalidCursor();
  return Number(text);
}

function invalidCursor(): PnsError {
  return new PnsError(
    'CURSOR_INVALID',
    'cursor is not the nextCursor of an earlier answer; leave it out to start over.',
  );
}
