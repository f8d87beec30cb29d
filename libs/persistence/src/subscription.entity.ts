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
  /** Whether the token is in its normal form. */
  @Column('boolean', { name: 'is_token_normal' }) isTokenNormal!: boolean;
  @Column('text', { array: true }) topics!: string[];
  @Column('timestamptz', { name: 'expires_at', nullable: true }) expiresAt!: Date | null;
  /** Meta is encrypted, because it can contain credentials. */
  @Column('bytea', { nullable: true }) meta!: Buffer | null;
  /** The keys of a Web Push subscription, encrypted. */
  @Column('bytea', { nullable: true, select: false }) keys!: Buffer | null;
  @Column('boolean', { name: 'shared' }) isShared!: boolean;
  @Column('timestamptz', { name: 'created_at' }) createdAt!: Date;
  @Column('timestamptz', { name: 'updated_at' }) updatedAt!: Date;
  /** The id of the transaction that last wrote the row (a system column of Postgres). */
  @VirtualColumn('text', { query: (row) => `SELECT ${row}.xmin::text` }) version!: string;
}

/** A subscription as it was read from the store. */
export interface ReadSubscription extends Subscription {
  /** Whether the stored meta was altered or no key decrypts it; then `meta` is absent. */
  readonly isMetaUnreadable?: true;
}

/** A stored subscription. Each write gives it a new version. */
export interface StoredSubscription extends ReadSubscription {
  readonly version: string;
}

/** Names the column of `meta`, for the parameter `place` of `Seal`. */
export const metaPlace = 'subscriptions meta';

/** @throws PnsError as `Seal.open` does. */
export function openedMeta(sealed: Buffer, seal: Seal): NonNullable<Subscription['meta']> {
  return JSON.parse(seal.open(sealed, metaPlace)) as NonNullable<Subscription['meta']>;
}

export function toStoredSubscription(
  row: Omit<SubscriptionEntity, 'tokenHash' | 'isTokenNormal' | 'keys'>,
  seal: Seal,
): StoredSubscription {
  return { ...toSubscription(row, seal), version: row.version };
}

export function toSubscription(
  row: Omit<SubscriptionEntity, 'tokenHash' | 'isTokenNormal' | 'keys' | 'version'>,
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

/** Decrypts meta. Does not throw if it is unreadable, so that the subscription can still be listed and removed. */
function readMeta(sealed: Buffer, seal: Seal): Pick<ReadSubscription, 'meta' | 'isMetaUnreadable'> {
  try {
    return { meta: openedMeta(sealed, seal) };
  } catch {
    return { isMetaUnreadable: true };
  }
}
