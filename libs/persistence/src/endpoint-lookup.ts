import { Injectable } from '@nestjs/common';
import type { TransportName } from '@pns/transport-contract';
import { DataSource } from 'typeorm';
import { endpointsMatching, sameToken, type EndpointFilter } from './endpoint-filter';
import { pageOf, positionOf, type Page, type PageRequest } from './page';

/** The states of an endpoint that does not work. */
export const endpointStates = ['failing', 'deferred', 'off'] as const;
type EndpointStateName = (typeof endpointStates)[number];

/** An endpoint that fails, is deferred or is switched off. Times are in ms since the epoch. */
export interface ListedEndpoint {
  readonly id: string;
  readonly transport: TransportName;
  readonly client: string;
  readonly origin: string;
  readonly state: EndpointStateName;
  readonly reason: string;
  readonly failingSince?: number | undefined;
  readonly lastFailedAt?: number | undefined;
  readonly deferredSince?: number | undefined;
  readonly deferredUntil?: number | undefined;
  readonly offAt?: number | undefined;
  /** How much of the time until the switch-off had passed at the last warning, in percent. */
  readonly warned: number;
  /** Some of its subscriptions; if the filter has a context, only subscriptions of this context. */
  readonly subscriptions: readonly { readonly id: string; readonly context: number; readonly user: number }[];
}

/** Maximum number of subscriptions of an endpoint in a list. */
const maxSubscriptions = 10;

/** Reads the endpoints that fail, are deferred or are switched off. */
@Injectable()
export class EndpointLookup {
  constructor(private readonly database: DataSource) {}

  /** Returns endpoints in the order in which their first failures were recorded. `now` is in ms since the epoch. */
  async list(
    { state, ...filter }: EndpointFilter & { readonly state?: EndpointStateName | undefined },
    { limit, cursor }: PageRequest,
    now = Date.now(),
  ): Promise<Page<ListedEndpoint>> {
    const { condition, parameters } = endpointsMatching(filter, [new Date(now), filter.context ?? null]);
    const conditions = [condition, state === undefined ? Object.values(isIn).join(' OR ') : isIn[state]];
    if (cursor !== undefined) {
      const { createdAt, id } = positionOf(cursor);
      parameters.push(new Date(createdAt), id);
      conditions.push(`(e.created_at, e.id) > ($${parameters.length - 1}::timestamptz, $${parameters.length}::uuid)`);
    }
    const rows = await this.database.query<Row[]>(
      `SELECT e.id, e.transport, e.client, e.origin, e.reason, e.warned, e.created_at AS "createdAt",
              e.failing_since AS "failingSince", e.failed_at AS "lastFailedAt", e.deferred_since AS "deferredSince",
              CASE WHEN e.deferred_until > $1 THEN e.deferred_until END AS "deferredUntil", e.off_at AS "offAt",
              ARRAY(SELECT json_build_object('id', s.id, 'context', s.context_id, 'user', s.user_id)
                    FROM subscriptions s WHERE ${sameToken} AND ($2::int IS NULL OR s.context_id = $2)
                    LIMIT ${maxSubscriptions}) AS subscriptions
       FROM endpoints e WHERE (${conditions.join(') AND (')})
       ORDER BY e.created_at, e.id LIMIT ${limit + 1}`,
      parameters,
    );
    const { items, ...more } = pageOf(
      rows.map((row) => ({ row, createdAt: row.createdAt.getTime(), id: row.id })),
      limit,
    );
    return { items: items.map(({ row }) => toListed(row)), ...more };
  }
}

const isDeferred = 'e.deferred_until > $1';

/** The SQL condition of each state. The states exclude each other. */
const isIn: Readonly<Record<EndpointStateName, string>> = {
  off: 'e.off_at IS NOT NULL',
  deferred: `e.off_at IS NULL AND ${isDeferred}`,
  failing: `e.off_at IS NULL AND e.failing_since IS NOT NULL AND (${isDeferred}) IS NOT TRUE`,
};

interface Row {
  readonly id: string;
  readonly transport: TransportName;
  readonly client: string;
  readonly origin: string;
  readonly reason: string;
  readonly warned: number;
  readonly createdAt: Date;
  readonly failingSince: Date | null;
  readonly lastFailedAt: Date | null;
  readonly deferredSince: Date | null;
  readonly deferredUntil: Date | null;
  readonly offAt: Date | null;
  readonly subscriptions: ListedEndpoint['subscriptions'];
}

function toListed({ id, transport, client, origin, reason, warned, subscriptions, ...row }: Row): ListedEndpoint {
  const state = row.offAt !== null ? 'off' : row.deferredUntil !== null ? 'deferred' : 'failing';
  return {
    ...{ id, transport, client, origin, state, reason, warned, subscriptions },
    failingSince: row.failingSince?.getTime(),
    lastFailedAt: row.lastFailedAt?.getTime(),
    deferredSince: row.deferredSince?.getTime(),
    deferredUntil: row.deferredUntil?.getTime(),
    offAt: row.offAt?.getTime(),
  };
}
