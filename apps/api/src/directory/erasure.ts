import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Windows } from '@pns/aggregation';
import { ConfigChanges, type ConfigChange } from '@pns/config-cascade';
import { eraseDeliveries, type QueueRef, parkedNode } from '@pns/delivery';
import { ApiKeyStore, AuditStore, DirectoryStore, ErasureStore, type Expected } from '@pns/persistence';
import { SocketRegistry, SocketNodes } from '@pns/sockets';
import {
  socketNodeGroup,
  deliveryQueue,
  erasedInAll,
  heldLocks,
  Queues,
  socketNodeQueue,
  type Erased,
} from '@pns/queue';
import { SessionTokens } from '@pns/sessions';
import type { Owner } from '@pns/subscriptions';
import { transportNames } from '@pns/transport-contract';
import { RemovedKeys } from '../authentication/removed-keys';
import { RequestError } from '../http/request-error';

/** What has not ended by then is for the next request to go on with, in ms. */
const longestMs = 30_000;

/** What workers have in hand, and sockets that were told to go, have this long before they are looked at again, in ms. */
const pauseMs = 100;

/** Deletions of this size hold locks for some milliseconds. */
const rowsPerStep = 1000;

/** What the API's description says of it. */
export const erasureDescription = `Answers 204 when neither Postgres nor Redis holds anything of it any more: entries
of the directory, properties, subscriptions, deliveries that failed, notifications that wait, deliveries in the queues, and
what is known of sockets. Keys that are for no other context go with a context, and the audit log keeps who wrote when,
and no more. Its sessions end, and its sockets are told so and closed. It need not be known to the directory.

Attempts to deliver that are under way are waited for, because they cannot be taken back. Where that, or a large context,
takes longer than ${longestMs / 1000} seconds, the answer is \`ERASURE_UNFINISHED\`: what is gone is gone, and the same request without
\`If-Match\` goes on. Erasing twice is harmless.

Nobody is locked out: a notification that is accepted while or after it is erased waits as long as any, finds nobody to go
to and is gone; a client with an API key may subscribe it anew. So tell producers first. What is kept so that ended sessions
stay ended, and ids of notifications are not taken twice, are digests that expire and name nobody.`;

/** Erases users and contexts wherever something of them is kept, with the `erase` of each that keeps it. */
@Injectable()
export class Erasure {
  constructor(
    private readonly directory: DirectoryStore,
    private readonly rows: ErasureStore,
    private readonly audit: AuditStore,
    private readonly keys: ApiKeyStore,
    private readonly removedKeys: RemovedKeys,
    private readonly changes: ConfigChanges,
    private readonly sessions: SessionTokens,
    private readonly windows: Windows,
    private readonly queues: Queues,
    private readonly registry: SocketRegistry,
    private readonly nodes: SocketNodes,
  ) {}

  /**
   * Resolves when nothing is left. Safe to repeat, also after a crash, and to race.
   *
   * @throws PnsError `VERSION_CHANGED` before anything was erased; RequestError `ERASURE_UNFINISHED` after `withinMs`.
   */
  async erase(owner: Owner, expected?: Expected, withinMs = longestMs): Promise<void> {
    const deadline = Date.now() + withinMs;
    const change = changeOf(owner);
    if (expected !== undefined) await this.changes.make(change, () => this.directory.remove(owner, expected));
    await this.sessions.endAllOf(owner);
    // Whoever had some of it in hand may have put it elsewhere meanwhile, so one round has to come upon nothing.
    for (;;) {
      const { found, heldBy } = await this.changes.make(change, () => this.eraseOnce(owner, deadline));
      if (found === 0) return this.eraseMentions(owner, deadline);
      await this.putDown(heldBy, deadline);
    }
  }

  /** Everything once, in the order of a notification's life: what moves on meanwhile is met further on. */
  private async eraseOnce(owner: Owner, deadline: number): Promise<Erased> {
    return erasedInAll([
      await this.eraseRows(owner, deadline), // subscriptions among them, without which nothing is delivered
      await this.windows.erase(owner),
      await eraseDeliveries(this.queues, await this.queuesOf(owner), owner),
      await this.registry.erase(owner),
      await this.eraseRows(owner, deadline), // what failed meanwhile
    ]);
  }

  private async eraseRows(owner: Owner, deadline: number): Promise<Erased> {
    let found = 0;
    for (let erased = 1; erased > 0; found += erased) {
      assertBefore(deadline);
      erased = await this.rows.erase(owner, rowsPerStep);
    }
    return { found, heldBy: [] };
  }

  /** What is not the owner's, but tells of it: keys for a context, and the audit log. */
  private async eraseMentions(owner: Owner, deadline: number): Promise<void> {
    const keys = owner.user === undefined ? await this.keys.eraseContext(owner.context) : [];
    for (const id of keys) await this.removedKeys.announce(id);
    while ((await this.audit.erase(owner, rowsPerStep)) > 0) assertBefore(deadline);
  }

  private async queuesOf(owner: Owner): Promise<QueueRef[]> {
    const { keys } = this.queues;
    const nodes = [...(await this.nodes.withQueues()), parkedNode];
    return [
      ...keys
        .shardsOf(owner)
        .flatMap((shard) =>
          transportNames.map((transport) => ({ group: keys.group(shard), name: deliveryQueue(transport) })),
        ),
      ...nodes.map((node) => ({ group: socketNodeGroup(keys), name: socketNodeQueue(node) })),
    ];
  }

  /** Resolves when nobody holds any of the locks. */
  private async putDown(locks: readonly string[], deadline: number): Promise<void> {
    do {
      assertBefore(deadline);
      await sleep(pauseMs);
    } while ((await heldLocks(this.queues.redis, locks)).length > 0);
  }
}

function changeOf({ context, user }: Owner): ConfigChange {
  return user === undefined ? { scope: 'context', context, withUsers: true } : { scope: 'user', context, user };
}

function assertBefore(deadline: number): void {
  if (Date.now() < deadline) return;
  const sentence = 'Not everything is erased yet; what is gone is gone, and the same request without If-Match goes on.';
  throw new RequestError('ERASURE_UNFINISHED', sentence);
}
