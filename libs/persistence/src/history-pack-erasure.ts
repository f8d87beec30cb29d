import { isOwnedBy, type Owner } from '@pns/subscriptions';
import type { DataSource, EntityManager } from 'typeorm';
import { ownerHash, packOf, type PackedRecord, type PackKind } from './history-packs';

/** Maximum number of packs that one transaction rewrites. Each has up to 100 records. */
const packsPerStep = 100;

interface PackRow {
  readonly place: string;
  readonly kind: PackKind;
  readonly at: Date;
  readonly records: string;
}

/**
 * Removes the records of the owner from some packs of a partition; returns their number, 0 when none is left. Searches the whole
 * partition, because an index of owners would cost more than all other parts of a write.
 */
export async function eraseFromPacks(database: DataSource, partition: string, owner: Owner): Promise<number> {
  const others: string[] = [];
  for (;;) {
    const { places, removed } = await eraseFromSome(database, partition, owner, others);
    if (removed > 0 || places.length < packsPerStep) return removed;
    // These packs contain only other users with the same hash, and a tenant can choose user ids with the same hash. So the search
    // continues after these packs.
    others.push(...places);
  }
}

/** Erases the owner's records from some packs that may contain them, except the packs at the places in `others`. */
async function eraseFromSome(
  database: DataSource,
  partition: string,
  owner: Owner,
  others: readonly string[],
): Promise<{ readonly places: readonly string[]; readonly removed: number }> {
  const { context, user } = owner;
  const isOwned = `$3 = ANY (contexts)${user === undefined ? '' : ' AND $4 = ANY (owners)'}`;
  return database.transaction(async (manager) => {
    const found = await manager.query<PackRow[]>(
      `SELECT ctid AS place, kind, at, records FROM ${partition}
       WHERE ${isOwned} AND ctid <> ALL ($2::tid[]) LIMIT $1 FOR UPDATE`,
      [packsPerStep, others, context, ...(user === undefined ? [] : [ownerHash({ context, user })])],
    );
    let removed = 0;
    for (const pack of found) removed += await eraseFromPack(manager, partition, owner, pack);
    return { places: found.map(({ place }) => place), removed };
  });
}

async function eraseFromPack(
  manager: EntityManager,
  partition: string,
  owner: Owner,
  { place, kind, at, records }: PackRow,
): Promise<number> {
  const all = JSON.parse(records) as PackedRecord[];
  const kept = all.filter(([context, user]) => !isOwnedBy({ context, user }, owner));
  if (kept.length === 0) await manager.query(`DELETE FROM ${partition} WHERE ctid = $1`, [place]);
  else if (kept.length < all.length) {
    const { contexts, owners, records: left } = packOf(kind, at.getTime(), kept);
    await manager.query(`UPDATE ${partition} SET contexts = $2, owners = $3, records = $4 WHERE ctid = $1`, [
      place,
      contexts,
      owners,
      left,
    ]);
  }
  return all.length - kept.length;
}
