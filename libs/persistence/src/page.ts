import { PnsError } from '@pns/runtime';

/** A page of a list, and the cursor of the next page. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** Selects a page: `limit` rows after `cursor`, which is the `nextCursor` of an earlier page. */
export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** The order of a list: the creation time of a row in ms, then its id. */
export interface Position {
  readonly createdAt: number;
  readonly id: string;
}

/** The page of `rows`, which were read with a limit of `limit + 1`. */
export function pageOf<T extends Position>(rows: readonly T[], limit: number): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items };
  return { items, nextCursor: cursorAfter(last) };
}

/** The cursor of the page after this position. `positionOf` reads it. */
export function cursorAfter({ createdAt, id }: Position): string {
  return Buffer.from(`${createdAt}.${id}`).toString('base64url');
}

/** Like `pageOf`, for a list that is ordered by a number. */
export function numberedPageOf<T>(rows: readonly T[], limit: number, numberOf: (row: T) => number): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items };
  return { items, nextCursor: Buffer.from(String(numberOf(last))).toString('base64url') };
}

/** Like `pageOf`, for a list that is ordered by the texts and numbers that `keyOf` returns. */
export function keyedPageOf<T>(rows: readonly T[], limit: number, keyOf: (row: T) => readonly Part[]): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items };
  return { items, nextCursor: Buffer.from(JSON.stringify(keyOf(last))).toString('base64url') };
}

/**
 * The key after which the page starts; undefined for the first page. `kinds` are the types of its parts.
 *
 * @throws PnsError `CURSOR_INVALID` for anything but a cursor of `keyedPageOf`.
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

/** Whether Postgres accepts `part` as this kind: an integer of 32 bits, or a text without NUL. */
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

/** @throws PnsError `CURSOR_INVALID` for anything but a cursor of `pageOf` whose id matches `idSyntax`. */
export function positionOf(cursor: string, idSyntax = uuid): Position {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const [, createdAt, id] = /^(\d{1,15})\.(.+)$/.exec(text) ?? [];
  if (createdAt === undefined || id === undefined || !idSyntax.test(id)) throw invalidCursor();
  return { createdAt: Number(createdAt), id };
}

/** The number after which the page starts. @throws PnsError `CURSOR_INVALID` for anything but a cursor of `numberedPageOf`. */
export function numberIn(cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  if (!/^[1-9]\d{0,9}$/.test(text) || !isInteger(Number(text))) throw invalidCursor();
  return Number(text);
}

/** The error for a cursor that no list has returned. */
export function invalidCursor(): PnsError {
  return new PnsError(
    'CURSOR_INVALID',
    'cursor is not the nextCursor of an earlier answer; omit it to start at the first page.',
  );
}
