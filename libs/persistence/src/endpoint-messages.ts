import type { TransportName } from '@pns/transport-contract';
import type { DataSource } from 'typeorm';

/** A message about endpoints of one client at one server that reached the same percentage. Times are in ms since the epoch. */
export interface EndpointMessage {
  readonly client: string;
  readonly origin: string;
  readonly percent: number;
  readonly count: number;
  /** The ids of some of the endpoints. */
  readonly ids: readonly string[];
  /** When the first of the endpoints began to fail. */
  readonly since: number;
  readonly reason: string;
}

/** Selects the messages that are due. */
export interface EndpointMessageRequest {
  readonly transport: TransportName;
  readonly now: number;
  /** The least time between two messages with the same client, server and percentage, in ms. */
  readonly everyMs: number;
  /** Maximum number of messages of one call. */
  readonly limit: number;
  /** Maximum number of ids in a message. */
  readonly maxIds: number;
}

/** The arbitrary first key of an advisory lock; the second key is the transport. A lock with one key is never the same lock. */
const messagesLock = 7_266_002;

/**
 * Passes the due messages to `send`, marks their endpoints as announced when `send` has resolved, and returns the number of
 * messages. Only one process does this at a time; a concurrent call returns 0. After a crash, a message may be sent again.
 */
export async function announceEndpoints(
  database: DataSource,
  { transport, now, everyMs, limit, maxIds }: EndpointMessageRequest,
  send: (messages: readonly EndpointMessage[]) => Promise<void>,
): Promise<number> {
  return database.transaction(async (manager) => {
    const [lock] = await manager.query<{ isOurs: boolean }[]>(
      'SELECT pg_try_advisory_xact_lock($1, hashtext($2)) AS "isOurs"',
      [messagesLock, transport],
    );
    if (lock?.isOurs !== true) return 0;
    const messages = await manager.query<(Omit<EndpointMessage, 'since'> & { since: Date })[]>(
      `WITH due AS (
         SELECT client, origin, warned FROM (
           SELECT DISTINCT client, origin, warned FROM endpoints WHERE transport = $1 AND warned > announced
         ) AS waiting
         WHERE NOT EXISTS (
           SELECT 1 FROM endpoints e
           WHERE e.transport = $1 AND e.client = waiting.client AND e.origin = waiting.origin
             AND e.announced = waiting.warned AND e.announced_at > $3
         ) LIMIT $4
       ), locked AS (
         -- In the order in which other statements lock these rows. Rows that are locked now are announced later.
         SELECT e.transport, e.client, e.token_hash FROM endpoints e JOIN due USING (client, origin, warned)
         WHERE e.transport = $1 AND e.warned > e.announced
         ORDER BY e.transport, e.client, e.token_hash FOR UPDATE OF e SKIP LOCKED
       ), announced_now AS (
         UPDATE endpoints e SET announced = e.warned, announced_at = $2
         FROM locked
         WHERE e.transport = locked.transport AND e.client = locked.client AND e.token_hash = locked.token_hash
         RETURNING e.id, e.client, e.origin, e.warned, e.failing_since, e.reason
       )
       SELECT client, origin, warned AS percent, count(*)::int AS count, min(failing_since) AS since,
              (array_agg(id ORDER BY failing_since, id))[1:$5] AS ids,
              (array_agg(reason ORDER BY failing_since, id))[1] AS reason
       FROM announced_now GROUP BY client, origin, warned ORDER BY client, origin, warned`,
      [transport, new Date(now), new Date(now - everyMs), limit, maxIds],
    );
    if (messages.length > 0) await send(messages.map((each) => ({ ...each, since: each.since.getTime() })));
    return messages.length;
  });
}
