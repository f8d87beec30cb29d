import { Injectable } from '@nestjs/common';
import type { TransportName } from '@pns/transport-contract';
import { DataSource, type EntityManager } from 'typeorm';
import { endpointsMatching, sameToken, type EndpointFilter } from './endpoint-filter';
import { announceEndpoints, type EndpointMessage, type EndpointMessageRequest } from './endpoint-messages';
import { tokenHash } from './registration';

/** One URI of one client. The URI is the token of subscriptions. */
export interface EndpointKey {
  readonly client: string;
  readonly token: string;
}

/** An attempt that failed, or a deferral until `until`. Times are in ms since the epoch. */
export interface EndpointFailure extends EndpointKey {
  readonly origin: string;
  readonly reason: string;
  readonly at: number;
  readonly until?: number | undefined;
}

/** The part of an endpoint's state that a worker needs. */
export interface EndpointState {
  readonly client: string;
  /** The hash of the token, in hex. */
  readonly hash: string;
  /** Whether its next successful delivery must be recorded. */
  readonly isRecorded: boolean;
  /** Why and since when it is switched off; undefined when it is on. */
  readonly off?: { readonly since: number; readonly reason: string } | undefined;
}

/** An endpoint whose state changed. */
export interface ChangedEndpoint {
  readonly id: string;
  readonly transport: TransportName;
  readonly client: string;
  readonly origin: string;
  /** When its first failure without a later success occurred, in ms since the epoch. */
  readonly since: number;
  readonly reason: string;
}

/** A step to the next percentage, for endpoints that were warned of at `from` percent and began to fail at `since` or before. */
interface EndpointStep {
  readonly transport: TransportName;
  readonly from: number;
  /** The percentage after the step; 100 switches the endpoints off. */
  readonly to: number;
  /** In ms since the epoch. Endpoints whose first failure was later do not take the step. */
  readonly since: number;
  /** In ms since the epoch: the time of the step. */
  readonly at: number;
  /** In ms. An endpoint is switched off only if its last failure came this long after its first one. */
  readonly disableAfterMs: number;
}

/** An endpoint with kept deliveries that must be sent again. */
interface EndpointRelease {
  readonly client: string;
  readonly hash: string;
  readonly release: number;
}

/** Maximum number of endpoints of one step. */
const endpointsPerStep = 1000;

/** The endpoints that fail, are deferred or are switched off, in Postgres. */
@Injectable()
export class EndpointStore {
  constructor(private readonly database: DataSource) {}

  /**
   * Records failures and deferrals in one statement. An entry that is older than the endpoint's last success changes nothing. A
   * deferral does not change `changed_at`, because workers need not read it.
   */
  async recordFailures(transport: TransportName, failures: readonly EndpointFailure[]): Promise<void> {
    const rows = lastOfEach(failures);
    if (rows.length === 0) return;
    const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms));
    await this.database.query(
      `INSERT INTO endpoints AS e
         (transport, client, token_hash, origin, reason, failing_since, failed_at, deferred_since, deferred_until, changed_at)
       SELECT $1, client, hash, origin, reason, failed, failed, deferred, until,
              CASE WHEN failed IS NULL THEN '-infinity' ELSE clock_timestamp() END
       FROM unnest($2::text[], $3::bytea[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[])
         AS given (client, hash, origin, reason, failed, deferred, until)
       ORDER BY client, hash
       ON CONFLICT (transport, client, token_hash) DO UPDATE SET
         origin = excluded.origin,
         reason = CASE WHEN e.off_at IS NULL THEN excluded.reason ELSE e.reason END,
         failing_since = coalesce(e.failing_since, excluded.failing_since),
         failed_at = greatest(e.failed_at, excluded.failed_at),
         deferred_since = CASE WHEN e.deferred_until >= excluded.deferred_since THEN e.deferred_since
                               ELSE coalesce(excluded.deferred_since, e.deferred_since) END,
         deferred_until = greatest(e.deferred_until, excluded.deferred_until),
         changed_at = CASE WHEN e.failing_since IS NULL AND excluded.failing_since IS NOT NULL THEN clock_timestamp()
                           ELSE e.changed_at END
       WHERE coalesce(excluded.failing_since, excluded.deferred_since) > coalesce(e.succeeded_at, '-infinity')`,
      [
        transport,
        rows.map(({ client }) => client),
        rows.map(({ token }) => tokenHash(token)),
        rows.map(({ origin }) => origin),
        rows.map(({ reason }) => reason),
        rows.map(({ at, until }) => (until === undefined ? new Date(at) : null)),
        rows.map(({ at, until }) => (until === undefined ? null : new Date(at))),
        rows.map(({ until }) => time(until)),
      ],
    );
  }

  /** Ends the failure of endpoints that accepted a delivery at `at` (ms since the epoch). Returns the endpoints that were off. */
  async recordSuccesses(
    transport: TransportName,
    keys: readonly EndpointKey[],
    at: number,
  ): Promise<readonly ChangedEndpoint[]> {
    if (keys.length === 0) return [];
    return this.switchOn(
      `(e.transport, e.client, e.token_hash) IN
         (SELECT $2::text, client, hash FROM unnest($3::text[], $4::bytea[]) AS given (client, hash))
       AND (e.failing_since IS NOT NULL OR e.off_at IS NOT NULL OR e.deferred_until IS NOT NULL)`,
      [new Date(at), transport, keys.map(({ client }) => client), keys.map(({ token }) => tokenHash(token))],
    );
  }

  /** Switches on the matching endpoints that are switched off; returns them. Their kept deliveries are sent again. */
  enable(filter: EndpointFilter): Promise<readonly ChangedEndpoint[]> {
    const { condition, parameters } = endpointsMatching(filter, [null]);
    return this.switchOn(`e.off_at IS NOT NULL AND ${condition}`, parameters);
  }

  /** Moves up to 1000 endpoints to the next percentage and returns them. Each endpoint takes each step once. */
  async step({ transport, from, to, since, at, disableAfterMs }: EndpointStep): Promise<readonly ChangedEndpoint[]> {
    const [moved] = await this.database.query<[Row[], number]>(
      `UPDATE endpoints e
         SET warned = $2::smallint, announced = least(e.announced, $3::smallint), off_at = CASE WHEN $2::smallint >= 100 THEN $4::timestamptz END,
             changed_at = CASE WHEN $2::smallint >= 100 THEN clock_timestamp() ELSE e.changed_at END
         WHERE (transport, client, token_hash) IN (
           SELECT transport, client, token_hash FROM endpoints
           WHERE transport = $1 AND off_at IS NULL AND warned = $3::smallint AND failing_since <= $5::timestamptz
             AND ${to < 100 ? '$6::float8 IS NOT NULL' : "failed_at - failing_since >= $6::float8 * interval '1 ms'"}
           ORDER BY transport, client, token_hash LIMIT $7 FOR UPDATE SKIP LOCKED
         ) RETURNING ${changedColumns}`,
      [transport, to, from, new Date(at), new Date(since), disableAfterMs, endpointsPerStep],
    );
    return moved.map(toChanged);
  }

  /** Sends the due messages about steps, see `announceEndpoints`. Returns the number of messages. */
  announce(
    request: EndpointMessageRequest,
    send: (messages: readonly EndpointMessage[]) => Promise<void>,
  ): Promise<number> {
    return announceEndpoints(this.database, request, send);
  }

  /**
   * Returns up to `limit` endpoints that changed after `cursor`, in the order of their changes, and the next cursor. Without a
   * cursor, starts with the earliest change. The last `overlapMs` before the cursor are read again, because transactions may
   * commit out of order.
   */
  async changes(
    transport: TransportName,
    cursor: string | undefined,
    overlapMs: number,
    limit: number,
  ): Promise<{ readonly states: readonly EndpointState[]; readonly cursor: string }> {
    const rows = await this.database.query<StateRow[]>(
      `SELECT client, encode(token_hash, 'hex') AS hash, off_at AS "offAt", reason, changed_at::text AS "changedAt",
              failing_since IS NOT NULL OR off_at IS NOT NULL AS "isRecorded"
       FROM endpoints
       WHERE transport = $1 AND changed_at > '-infinity' AND ($2::timestamptz IS NULL OR changed_at > $2::timestamptz - $3::float8 * interval '1 ms')
       ORDER BY changed_at LIMIT $4`,
      [transport, cursor ?? null, overlapMs, limit],
    );
    const states = rows.map(({ client, hash, offAt, reason, isRecorded }) => ({
      ...{ client, hash, isRecorded },
      ...(offAt === null ? {} : { off: { since: offAt.getTime(), reason } }),
    }));
    return { states, cursor: rows.at(-1)?.changedAt ?? cursor ?? '-infinity' };
  }

  /** Up to `limit` endpoints with kept deliveries that must be sent again. If there are none, reads only an index. */
  async releases(transport: TransportName, limit: number): Promise<readonly EndpointRelease[]> {
    return this.database.query<EndpointRelease[]>(
      `SELECT client, encode(token_hash, 'hex') AS hash, releases AS release FROM endpoints
       WHERE transport = $1 AND released < releases AND off_at IS NULL LIMIT $2`,
      [transport, limit],
    );
  }

  /**
   * Ends a release after all of its kept deliveries were put into their queues. Deliveries that were kept after its start belong
   * to a later release. Changes nothing while another process still sends some of its deliveries.
   */
  async releaseDone(transport: TransportName, { client, hash, release }: EndpointRelease): Promise<void> {
    await this.database.query(
      `UPDATE endpoints SET released = $4
       WHERE transport = $1 AND client = $2 AND token_hash = decode($3, 'hex') AND released < $4
         AND NOT EXISTS (
           SELECT 1 FROM failed_deliveries f
           WHERE f.transport = $1 AND f.client = $2 AND f.endpoint = decode($3, 'hex')
         )`,
      [transport, client, hash, release],
    );
  }

  /** Removes up to `limit` endpoints that recovered before `before` (ms since the epoch), or that have no subscription. */
  async removeEnded(before: number, limit: number): Promise<number> {
    const [, removed] = await this.database.query<[unknown, number]>(
      `DELETE FROM endpoints WHERE id IN (
         SELECT id FROM endpoints e
         WHERE changed_at < $1 AND released >= releases AND (
           (failing_since IS NULL AND off_at IS NULL AND (deferred_until IS NULL OR deferred_until < $1))
           OR NOT EXISTS (SELECT 1 FROM subscriptions s WHERE ${sameToken})
         ) LIMIT $2 FOR UPDATE SKIP LOCKED
       )`,
      [new Date(before), limit],
    );
    return removed;
  }

  private async switchOn(condition: string, parameters: readonly unknown[]): Promise<readonly ChangedEndpoint[]> {
    const [rows] = await this.database.query<[(Row & { wasOff: boolean })[], number]>(
      `UPDATE endpoints AS e
       SET failing_since = NULL, failed_at = NULL, deferred_since = NULL, deferred_until = NULL, off_at = NULL,
           warned = 0, announced = 0, succeeded_at = coalesce($1::timestamptz, e.succeeded_at),
           releases = e.releases + (before.off_at IS NOT NULL)::int, changed_at = clock_timestamp()
       FROM (
         SELECT e.id, e.off_at, e.failing_since FROM endpoints e
         WHERE ${condition} ORDER BY e.transport, e.client, e.token_hash FOR UPDATE
       ) AS before
       WHERE e.id = before.id
       RETURNING e.id, e.transport, e.client, e.origin, e.reason, before.failing_since AS since, before.off_at IS NOT NULL AS "wasOff"`,
      [...parameters],
    );
    return rows.filter(({ wasOff }) => wasOff).map(toChanged);
  }
}

/**
 * Records in the transaction of `manager` that deliveries are kept for these endpoints. If an endpoint was switched on meanwhile,
 * its deliveries are sent again.
 */
export async function keptFor(
  manager: EntityManager,
  kept: readonly (EndpointKey & { readonly transport: TransportName })[],
): Promise<void> {
  const rows = lastOfEach(kept);
  if (rows.length === 0) return;
  await manager.query(
    `INSERT INTO endpoints AS e (transport, client, token_hash, origin, reason, releases)
     SELECT transport, client, hash, '', '', 1
     FROM unnest($1::text[], $2::text[], $3::bytea[]) AS given (transport, client, hash)
     ORDER BY transport, client, hash
     ON CONFLICT (transport, client, token_hash) DO UPDATE SET releases = e.releases + 1 WHERE e.off_at IS NULL`,
    [
      rows.map(({ transport }) => transport),
      rows.map(({ client }) => client),
      rows.map(({ token }) => tokenHash(token)),
    ],
  );
}

const changedColumns = 'e.id, e.transport, e.client, e.origin, e.reason, e.failing_since AS since';

interface Row extends Omit<ChangedEndpoint, 'since'> {
  readonly since: Date | null;
}

interface StateRow extends Omit<EndpointState, 'off'> {
  readonly offAt: Date | null;
  readonly reason: string;
  readonly changedAt: string;
}

function toChanged({ id, transport, client, origin, reason, since }: Row): ChangedEndpoint {
  return { id, transport, client, origin, reason, since: since?.getTime() ?? 0 };
}

/** The last entry of each endpoint. The statements sort the entries, so that all statements lock endpoints in one order. */
function lastOfEach<Key extends EndpointKey & { readonly transport?: string }>(keys: readonly Key[]): Key[] {
  return [...new Map(keys.map((key) => [`${key.transport} ${key.client} ${key.token}`, key])).values()];
}
