import type { HistoryAttempt, HistoryWindow } from './history-rows';
import { storedTarget, targetOf, type StoredTarget } from './history-targets';

/**
 * A record is usual only if it happened within this time after its cause, in ms. So it can be found by the time of its cause. A
 * pack has only records of one slot of this length.
 */
export const slotMs = 10_000;

/** If a slot has fewer usual records, each of them is a row. */
const minPacked = 25;

/** Maximum number of records of a pack. They are limited, because a reader of one record must read the whole pack. */
const maxPacked = 100;

/** A window with more targets is not packed. */
const maxPackedTargets = 8;

export type PackKind = 'windows' | 'attempts';

/** The user to whom a record belongs. */
export interface PackOwner {
  readonly context: number;
  readonly user: number;
}

/** Usual records of one kind and slot, in one row. */
export interface Pack {
  readonly kind: PackKind;
  /** The start of the slot, in ms since the epoch. */
  readonly at: number;
  readonly contexts: readonly number[];
  readonly owners: readonly number[];
  /** JSON: a list of lists that begin with context and user. */
  readonly records: string;
}

export type PackedRecord = readonly [context: number, user: number, ...others: unknown[]];

type PackedWindow = readonly [
  ...[context: number, user: number, at: number, dueAt: number, place: number, windowKey: string, notification: string],
  targets: readonly StoredTarget[],
];

type PackedAttempt = readonly [
  ...[context: number, user: number, at: number, durationMs: number, notification: string, providerId: string | null],
  target: StoredTarget,
];

/** Rows that are not packed, and the packs of all other rows. */
export interface Sorted<Row> {
  readonly rows: readonly Row[];
  readonly packs: readonly Pack[];
}

/** Packs windows of a single notification that were dispatched soon after its acceptance. */
export function packedWindows(rows: readonly HistoryWindow[]): Sorted<HistoryWindow> {
  const isUsual = ({ at, acceptedAt, count, windowKey, targets }: HistoryWindow) =>
    count === 1 && windowKey !== '' && targets.length <= maxPackedTargets && isSoonAfter(acceptedAt, at);
  return packed('windows', rows, isUsual, windowRecord);
}

/** Packs deliveries that arrived at the first attempt, soon after their window fell due. */
export function packedAttempts(rows: readonly HistoryAttempt[]): Sorted<HistoryAttempt> {
  const isUsual = ({ at, dueAt, attempt, outcome }: HistoryAttempt) =>
    attempt === 1 && outcome === 'delivered' && isSoonAfter(dueAt, at);
  return packed('attempts', rows, isUsual, attemptRecord);
}

/** The window in a record of `packedWindows`. */
export function windowIn(record: PackedRecord): HistoryWindow {
  const [context, user, at, dueAt, place, windowKey, notification, targets] = record as unknown as PackedWindow;
  return { at, context, user, windowKey, place, notification, dueAt, count: 1, targets: targets.map(targetOf) };
}

/** The attempt in a record of `packedAttempts`. */
export function attemptIn(record: PackedRecord): HistoryAttempt {
  const [context, user, at, durationMs, notification, providerId, target] = record as unknown as PackedAttempt;
  const known = { at, context, user, notification, attempt: 1, durationMs, outcome: 'delivered', ...targetOf(target) };
  return providerId === null ? known : { ...known, providerId };
}

/** The start of the slot that contains `time`, in ms since the epoch. */
export function slotOf(time: number): number {
  return time - (time % slotMs);
}

/** A hash of 32 bits, by which a pack names its owners. Hashes can collide, so readers compare context and user too. */
export function ownerHash({ context, user }: PackOwner): number {
  let bits = Math.imul(context, 0x9e3779b1) ^ user;
  bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b);
  bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b);
  return bits ^ (bits >>> 16);
}

/** Makes a pack of these records. `at` is the start of their slot, in ms since the epoch. */
export function packOf(kind: PackKind, at: number, records: readonly PackedRecord[]): Pack {
  const contexts = new Set<number>();
  const owners = new Set<number>();
  for (const [context, user] of records) {
    contexts.add(context);
    owners.add(ownerHash({ context, user }));
  }
  return { kind, at, contexts: [...contexts], owners: [...owners], records: JSON.stringify(records) };
}

function isSoonAfter(cause: number | undefined, at: number): boolean {
  return cause !== undefined && at >= cause && at - cause < slotMs;
}

function packed<Row extends { readonly at: number }>(
  kind: PackKind,
  all: readonly Row[],
  isUsual: (row: Row) => boolean,
  recordOf: (row: Row) => PackedRecord,
): Sorted<Row> {
  if (all.length < minPacked) return { rows: all, packs: [] };
  const rows: Row[] = [];
  const slots = new Map<number, Row[]>();
  for (const row of all) {
    if (!isUsual(row)) rows.push(row);
    else {
      const slot = slots.get(slotOf(row.at));
      if (slot === undefined) slots.set(slotOf(row.at), [row]);
      else slot.push(row);
    }
  }
  const packs: Pack[] = [];
  for (const [at, usual] of slots) {
    let from = 0;
    for (; usual.length - from >= minPacked; from += maxPacked) {
      packs.push(packOf(kind, at, usual.slice(from, from + maxPacked).map(recordOf)));
    }
    rows.push(...usual.slice(from));
  }
  return { rows, packs };
}

function windowRecord(row: HistoryWindow): PackedWindow {
  const { context, user, at, dueAt, place, windowKey, notification, targets } = row;
  return [context, user, at, dueAt, place, windowKey, notification, targets.map(storedTarget)];
}

function attemptRecord(row: HistoryAttempt): PackedAttempt {
  const { context, user, at, durationMs, notification, providerId = null } = row;
  return [context, user, at, Math.round(durationMs), notification, providerId, storedTarget(row)];
}
