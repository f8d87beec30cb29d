import { attemptIn, ownerHash, slotMs, slotOf, windowIn } from './history-packs';
import type { PackedRecord, PackKind, PackOwner } from './history-packs';
import type { HistoryReads } from './history-reads';
import type { HistoryAttempt, HistoryWindow } from './history-rows';

/** An owner whose records are wanted, if they happened soon after one of the causes between `from` and `to` (ms since the epoch). */
export interface WantedRecords extends PackOwner {
  readonly from: number;
  readonly to: number;
}

/** The packs with records of some owners in some slots. Each pack is read once for each owner. */
export const packsStatement = `SELECT n.owner, p.records FROM unnest($2::timestamptz[], $3::int[]) AS n (slot, owner)
  CROSS JOIN LATERAL (
    SELECT records FROM history_packs p
    WHERE p.kind = $1 AND p.at = n.slot AND p.at >= $4 AND n.owner = ANY (p.owners) OFFSET 0
  ) p`;

/** The windows in packs that were dispatched soon after the wanted times, among others of these owners. */
export async function windowsInPacks(reads: HistoryReads, wanted: readonly WantedRecords[]): Promise<HistoryWindow[]> {
  return (await recordsInPacks(reads, 'windows', wanted)).map(windowIn);
}

/** The attempts in packs that were made soon after the wanted times, among others of these owners. */
export async function attemptsInPacks(
  reads: HistoryReads,
  wanted: readonly WantedRecords[],
): Promise<HistoryAttempt[]> {
  return (await recordsInPacks(reads, 'attempts', wanted)).map(attemptIn);
}

async function recordsInPacks(
  reads: HistoryReads,
  kind: PackKind,
  wanted: readonly WantedRecords[],
): Promise<PackedRecord[]> {
  if (wanted.length === 0) return [];
  const owners = new Set(wanted.map(nameOf));
  const places = new Map<string, readonly [slot: number, owner: number]>();
  for (const { from, to, ...owner } of wanted) {
    const hash = ownerHash(owner);
    for (let slot = slotOf(from); slot <= slotOf(to) + slotMs; slot += slotMs)
      places.set(`${slot} ${hash}`, [slot, hash]);
  }
  const pairs = [...places.values()];
  const rows = await reads.query<{ owner: number; records: string }>(packsStatement, [
    kind,
    pairs.map(([slot]) => new Date(slot)),
    pairs.map(([, owner]) => owner),
    new Date(pairs.reduce((least, [slot]) => Math.min(least, slot), Infinity)),
  ]);
  return rows.flatMap(({ owner, records }) =>
    (JSON.parse(records) as PackedRecord[]).filter(([context, user]) => {
      const of = { context, user };
      return ownerHash(of) === owner && owners.has(nameOf(of));
    }),
  );
}

function nameOf({ context, user }: PackOwner): string {
  return `${context} ${user}`;
}
