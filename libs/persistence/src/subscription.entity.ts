import type { Subscription } from '@pns/subscriptions';
import type { TransportName } from '@pns/transport-contract';
import type { Seal } from './seal';
import { Column, Entity, PrimaryColumn, VirtualColumn } from 'typeorm';

@Entity('subscriptions')
export class SubscriptionEntity {
  @PrimaryColumn('uuid') id!: string;
  @Column('int', { name: 'context_id' }) context!: number;
  @Column('int', { name: 'user_id' }) user!: number;
  @Column('varchar') client!: string;
  @Column('varchar') transport!: TransportName;
  @Column('text') token!: string;
  @Column('bytea', { name: 'token_hash' }) tokenHash!: Buffer;
  /** Whether the token is spelled as its transport spells it now. */
  @Column('boolean', { name: 'is_token_normal' }) isTokenNormal!: boolean;
  @Column('text', { array: true }) topics!: string[];
  @Column('timestamptz', { name: 'expires_at', nullable: true }) expiresAt!: Date | null;
  /** Sealed, because it may hold credentials. */
  @Column('bytea', { nullable: true }) meta!: Buffer | null;
  @Column('boolean', { name: 'shared' }) isShared!: boolean;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
  /** Postgres' own mark of the transaction that wrote the row last. */
  @VirtualColumn('text', { query: (row) => `SELECT ${row}.xmin::text` }) version!: string;
}

/** A subscription as it was read. */
export interface ReadSubscription extends Subscription {
  /** There is meta, but no key opens it, or it was altered: `meta` is absent. */
  readonly isMetaUnreadable?: true;
}

/** A subscription as it is kept. Its version is another one after each write. */
export interface StoredSubscription extends ReadSubscription {
  readonly version: string;
}

/** The place that meta is sealed for. */
export const metaPlace = 'subscriptions meta';

/** @throws PnsError as `Seal.open` does. */
export function openedMeta(sealed: Buffer, seal: Seal): NonNullable<Subscription['meta']> {
  return JSON.parse(seal.open(sealed, metaPlace)) as NonNullable<Subscription['meta']>;
}

export function toStoredSubscription(
  row: Omit<SubscriptionEntity, 'tokenHash' | 'isTokenNormal'>,
  seal: Seal,
): StoredSubscription {
  return { ...toSubscription(row, seal), version: row.version };
}

export function toSubscription(
  row: Omit<SubscriptionEntity, 'tokenHash' | 'isTokenNormal' | 'version'>,
  seal: Seal,
): ReadSubscription {
  return {
    id: row.id,
    context: row.context,
    user: row.user,
    client: row.client,
    transport: row.transport,
    token: row.token,
    topics: row.topics,
    ...(row.expiresAt === null ? {} : { expiresAt: row.expiresAt.getTime() }),
    ...(row.meta === null ? {} : readMeta(row.meta, seal)),
    isShared: row.isShared,
    createdAt: row.createdAt.getTime(),
    updatedAt: row.updatedAt.getTime(),
  };
}

/** One row that cannot be read must hide no other one, and must not be kept from being removed. */
function readMeta(sealed: Buffer, seal: Seal): Pick<ReadSubscription, 'meta' | 'isMetaUnreadable'> {
  try {
    return { meta: openedMeta(sealed, seal) };
  } catch {
    return { isMetaUnreadable: true };
  }
}
