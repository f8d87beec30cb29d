import { Injectable } from '@nestjs/common';
import type { Delivery, OutcomeKind, TransportName } from '@pns/transport-contract';
import { DataSource, type EntityManager, type SelectQueryBuilder } from 'typeorm';
import { keptFor } from './endpoint.store';
import { FailedDeliveryEntity } from './failed-delivery.entity';
import { pageOf, positionOf, type Page, type PageRequest } from './page';
import { tokenHash } from './registration';

/** A delivery for which no attempt is scheduled. It is stored completely, so that it can be sent again. */
export interface FailedDelivery {
  readonly delivery: Delivery;
  readonly outcome: OutcomeKind;
  readonly reason: string;
  /** Whether the delivery is held: it is sent automatically after the settings of its client are corrected. */
  readonly isHeld: boolean;
  /** Whether the delivery is kept because its endpoint is switched off: it is sent automatically after the endpoint is switched on. */
  readonly isKept?: boolean;
  /** In ms since the epoch. */
  readonly failedAt: number;
}

/** Selects the failed deliveries that match all given fields. */
export interface FailedDeliveryFilter {
  readonly ids?: readonly string[] | undefined;
  readonly context?: number | undefined;
  readonly user?: number | undefined;
  readonly client?: string | undefined;
  readonly transport?: TransportName | undefined;
  readonly topic?: string | undefined;
  readonly outcome?: OutcomeKind | undefined;
  readonly notification?: string | undefined;
  readonly isHeld?: boolean | undefined;
  /** Only deliveries that are kept for the endpoint whose token has this hash, in hex. */
  readonly endpoint?: string | undefined;
  /** Only deliveries that failed before this time, in ms since the epoch. */
  readonly before?: number | undefined;
}

/** A client whose deliveries are held until its settings are corrected. */
export interface HeldClient {
  readonly client: string;
  readonly transport: TransportName;
  readonly deliveries: number;
  /** The reason of the last failure. */
  readonly reason: string;
  /** Time of the first failure, in ms since the epoch. */
  readonly since: number;
}

/** The number of failed deliveries of a transport. */
interface FailedDeliveryCount {
  readonly transport: TransportName;
  readonly isHeld: boolean;
  readonly count: number;
}

/** The failed deliveries in Postgres. */
@Injectable()
export class FailedDeliveryStore {
  constructor(private readonly database: DataSource) {}

  /** Stores failed deliveries. Safe to repeat: the last record of a delivery replaces earlier ones. */
  async record(batch: readonly FailedDelivery[]): Promise<void> {
    const last = [...new Map(batch.map((failed) => [failed.delivery.id, failed])).values()];
    if (last.length === 0) return;
    const kept = last.filter(({ isKept }) => isKept === true);
    if (kept.length === 0) return upsert(this.database.manager, last);
    await this.database.transaction(async (manager) => {
      await upsert(manager, last);
      await keptFor(
        manager,
        kept.map(({ delivery }) => delivery),
      );
    });
  }

  /** The failed delivery with this delivery id. */
  async get(deliveryId: string): Promise<FailedDelivery | undefined> {
    const row = await this.database.manager.findOneBy(FailedDeliveryEntity, { deliveryId });
    return row === null ? undefined : toFailedDelivery(row);
  }

  /** Returns failed deliveries, oldest first. */
  async list(filter: FailedDeliveryFilter, { limit, cursor }: PageRequest): Promise<Page<FailedDelivery>> {
    const query = matching(this.database.manager.createQueryBuilder(FailedDeliveryEntity, 'f'), filter);
    if (cursor !== undefined) {
      const { createdAt, id } = positionOf(cursor, /^[\w-]{1,200}$/);
      query.andWhere('(f.failed_at, f.delivery_id) > (:failedAt, :id)', { failedAt: new Date(createdAt), id });
    }
    const rows = await query
      .orderBy('f.failed_at')
      .addOrderBy('f.delivery_id')
      .limit(limit + 1)
      .getMany();
    const { items, ...more } = pageOf(
      rows.map((row) => ({ row, createdAt: row.failedAt.getTime(), id: row.deliveryId })),
      limit,
    );
    return { items: items.map(({ row }) => toFailedDelivery(row)), ...more };
  }

  /**
   * Passes up to `limit` deliveries to `send`, oldest first, removes them when `send` has resolved, and returns their number.
   * Concurrent callers get different deliveries. After a crash before the removal, some are sent again.
   */
  take(
    filter: FailedDeliveryFilter,
    limit: number,
    send: (deliveries: readonly Delivery[]) => Promise<void>,
  ): Promise<number> {
    return this.database.transaction(async (manager) => {
      const rows = await matching(manager.createQueryBuilder(FailedDeliveryEntity, 'f'), filter)
        .orderBy('f.failed_at')
        .addOrderBy('f.delivery_id')
        .limit(limit)
        .setLock('pessimistic_write')
        .setOnLocked('skip_locked')
        .getMany();
      if (rows.length === 0) return 0;
      await send(rows.map(({ delivery }) => delivery as Delivery));
      await manager.delete(
        FailedDeliveryEntity,
        rows.map(({ deliveryId }) => deliveryId),
      );
      return rows.length;
    });
  }

  /** Removes up to `limit` deliveries that failed before `before` (ms since the epoch), the earliest first; returns their number. */
  async removeOlderThan(before: number, limit: number): Promise<number> {
    const [, removed] = await this.database.query<[unknown, number]>(
      `DELETE FROM failed_deliveries WHERE delivery_id IN (
         SELECT delivery_id FROM failed_deliveries WHERE failed_at < $1
         ORDER BY failed_at LIMIT $2 FOR UPDATE SKIP LOCKED
       )`,
      [new Date(before), limit],
    );
    return removed;
  }

  /** Counts failed deliveries by transport, and held ones separately. The time does not depend on the number of deliveries. */
  async counts(): Promise<FailedDeliveryCount[]> {
    const rows = await this.database.query<{ transport: TransportName; held: boolean; count: string }[]>(
      'SELECT transport, held, sum(change) AS count FROM failed_delivery_changes GROUP BY transport, held',
    );
    return rows.map(({ transport, held, count }) => ({ transport, isHeld: held, count: Number(count) }));
  }

  /** The clients with held deliveries, for one transport or for all. */
  async heldClients(transport?: TransportName): Promise<HeldClient[]> {
    const rows = await this.database.query<(Omit<HeldClient, 'since'> & { since: Date })[]>(
      `SELECT client, transport, count(*)::int AS deliveries, min(failed_at) AS since,
              (array_agg(reason ORDER BY failed_at DESC))[1] AS reason
       FROM failed_deliveries WHERE held AND ($1::text IS NULL OR transport = $1)
       GROUP BY client, transport ORDER BY client, transport`,
      [transport ?? null],
    );
    return rows.map((row) => ({ ...row, since: row.since.getTime() }));
  }

  /** The names of a transport's clients with held deliveries. Reads only an index. */
  async namesOfHeldClients(transport: TransportName): Promise<string[]> {
    const rows = await this.database.query<{ client: string }[]>(
      'SELECT DISTINCT client FROM failed_deliveries WHERE held AND transport = $1',
      [transport],
    );
    return rows.map(({ client }) => client);
  }
}

async function upsert(manager: EntityManager, failed: readonly FailedDelivery[]): Promise<void> {
  await manager.upsert(FailedDeliveryEntity, failed.map(toRow), ['deliveryId']);
}

type Query = SelectQueryBuilder<FailedDeliveryEntity>;

function matching(query: Query, filter: FailedDeliveryFilter): Query {
  const { ids, before, isHeld, endpoint } = filter;
  query.where('true');
  const equal = {
    context_id: filter.context,
    user_id: filter.user,
    client: filter.client,
    transport: filter.transport,
    topic: filter.topic,
    notification_id: filter.notification,
  };
  for (const [column, value] of Object.entries(equal)) {
    if (value !== undefined) query.andWhere(`f.${column} = :${column}`, { [column]: value });
  }
  if (filter.outcome !== undefined)
    query.andWhere('f.outcome = ANY (:outcomes)', { outcomes: storedAs(filter.outcome) });
  // Postgres uses the partial index only for a condition with the same text.
  if (isHeld !== undefined) query.andWhere(isHeld ? 'f.held' : 'NOT f.held');
  if (endpoint !== undefined) query.andWhere('f.endpoint = :endpoint', { endpoint: Buffer.from(endpoint, 'hex') });
  if (ids !== undefined) query.andWhere('f.delivery_id = ANY (:ids)', { ids });
  if (before !== undefined) query.andWhere('f.failed_at < :before', { before: new Date(before) });
  return query;
}

/** The stored forms of an outcome. During an upgrade, workers of older versions still store `exhausted` as `retry`. */
function storedAs(outcome: OutcomeKind): OutcomeKind[] {
  return outcome === 'exhausted' ? ['exhausted', 'retry'] : [outcome];
}

function toRow({ delivery, outcome, reason, isHeld, isKept, failedAt }: FailedDelivery): FailedDeliveryEntity {
  return {
    deliveryId: delivery.id,
    notificationId: delivery.notificationId,
    context: delivery.context,
    user: delivery.user,
    client: delivery.client,
    transport: delivery.transport,
    topic: delivery.topic,
    subscriptionId: delivery.subscriptionId ?? null,
    outcome,
    reason: reason.replaceAll('\0', ' '), // a provider can send any text, and a text in Postgres cannot contain NUL
    isHeld,
    endpoint: isKept === true ? tokenHash(delivery.token) : null,
    attempts: delivery.attempt,
    delivery,
    failedAt: new Date(failedAt),
  };
}

function toFailedDelivery(row: FailedDeliveryEntity): FailedDelivery {
  return {
    delivery: row.delivery as Delivery,
    outcome: row.outcome === 'retry' ? 'exhausted' : row.outcome,
    reason: row.reason,
    isHeld: row.isHeld,
    ...(row.endpoint !== null && { isKept: true }),
    failedAt: row.failedAt.getTime(),
  };
}
