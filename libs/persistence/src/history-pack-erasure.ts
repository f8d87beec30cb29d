import { isOwnedBy, type Owner } from '@pns/subscriptions';
import type { DataSource } from 'typeorm';
import { ownerHash, packOf, type PackedRecord, type PackKind } from './history-packs';

/** Most packs that one transaction rewrites. Each has up to 100 records. */
const packsPerStep = 100;

interface PackRow {
  readonly place: string;
  readonly kind: PackKind;
  readonly at: Date;
  readonly records: string;
}

/**
 * Removes the records of the owner from some packs of a partition; returns their number, 0 when none is left. Reads the whole
 * partition without its records, because an index of owners would cost more than all other parts of a write.
 */
export async function eraseFromPacks(database: DataSource, partition: string, owner: Owner): Promise<number> {
  const { context, user } = owner;
  const isOwned = `$2 = ANY (contexts)${user === undefined ? '' : ' AND $3 = ANY (owners)'}`;
  return database.transaction(async (manager) => {
    const found = await manager.query<PackRow[]>(
      `SELECT ctid AS place, kind, at, records FROM ${partition} WHERE ${isOwned} LIMIT $1 FOR UPDATE`,
      [packsPerStep, context, ...(user === undefined ? [] : [ownerHash({ context, user })])],
    );
    let removed = 0;
    for (const { place, kind, at, records } of found) {
      const all = JSON.parse(records) as PackedRecord[];
      const kept = all.filter(([ofContext, ofUser]) => !isOwnedBy({ context: ofContext, user: ofUser }, owner));
      removed += all.length - kept.length;
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
    }
    return removed;
  });
}
