import { Slices } from '@pns/runtime';
import { attemptIn, ownerHash, slotMs, slotOf, windowIn } from './history-packs';
import type { PackedRecord, PackKind, PackOwner } from './history-packs';
import type { HistoryReads } from './history-reads';
import type { HistoryAttempt, HistoryWindow } from './history-rows';

/** Selects the records of an owner that happened soon after a cause between `from` and `to` (in ms since the epoch). */
interface WantedRecords extends PackOwner {
  readonly from: number;
  readonly to: number;
}

/**
 * The maximum number of slots, each for one owner, that one query reads. A user with many notifications can be in all packs of a
 * slot, and a slot of a large installation has hundreds of packs. All packs of a query are in memory at once.
 */
const placesPerQuery = 20;

/** The packs with records of some owners in some slots. Each pack is read once for each owner. */
export const packsStatement = `SELECT n.owner, p.records FROM unnest($2::timestamptz[], $3::int[]) AS n (slot, owner)
  CROSS JOIN LATERAL (
    SELECT records FROM history_packs p
    WHERE p.kind = $1 AND p.at = n.slot AND p.at >= $4 AND n.owner = ANY (p.owners) OFFSET 0
  ) p`;

/** The packed windows of the wanted owners from all slots that can contain a wanted window. */
export async function windowsInPacks(reads: HistoryReads, wanted: readonly WantedRecords[]): Promise<HistoryWindow[]> {
  return (await recordsInPacks(reads, 'windows', wanted)).map(windowIn);
}

/** The packed attempts of the wanted owners from all slots that can contain a wanted attempt. */
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
  const owners = new Set(wanted.map(nameOf));
  const places = placesOf(wanted);
  const slices = new Slices();
  const found: PackedRecord[] = [];
  for (let from = 0; from < places.length; from += placesPerQuery) {
    for (const { owner, records } of await packsAt(reads, kind, places.slice(from, from + placesPerQuery))) {
      if (slices.isOver) await slices.pause();
      for (const record of JSON.parse(records) as PackedRecord[]) {
        const of = { context: record[0], user: record[1] };
        if (ownerHash(of) === owner && owners.has(nameOf(of))) found.push(record);
      }
    }
  }
  return found;
}

/** A slot and the hash of an owner. */
type Place = readonly [slot: number, owner: number];

function placesOf(wanted: readonly WantedRecords[]): Place[] {
  const places = new Map<string, Place>();
  for (const { from, to, ...owner } of wanted) {
    const hash = ownerHash(owner);
    for (let slot = slotOf(from); slot <= slotOf(to) + slotMs; slot += slotMs)
      places.set(`${slot} ${hash}`, [slot, hash]);
  }
  return [...places.values()];
}

function packsAt(
  reads: HistoryReads,
  kind: PackKind,
  places: readonly Place[],
): Promise<{ readonly owner: number; readonly records: string }[]> {
  return reads.query(packsStatement, [
    kind,
    places.map(([slot]) => new Date(slot)),
    places.map(([, owner]) => owner),
    new Date(Math.min(...places.map(([slot]) => slot))),
  ]);
}

function nameOf({ context, user }: PackOwner): string {
  return `${context} ${user}`;
}
