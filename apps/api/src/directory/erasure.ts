import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Windows } from '@pns/aggregation';
import { ConfigChanges, type ConfigChange } from '@pns/config-cascade';
import { allDeliveryQueues, eraseDeliveries, type QueueRef } from '@pns/delivery';
import { ApiKeyStore, AuditStore, DirectoryStore, ErasureStore, type Expected } from '@pns/persistence';
import { erasedInAll, heldLocks, Queues, type Erased } from '@pns/queue';
import { SessionTokens } from '@pns/sessions';
import { SocketNodes, SocketRegistry } from '@pns/sockets';
import type { Owner } from '@pns/subscriptions';
import { RemovedKeys } from '../authentication/removed-keys';
import { RequestError } from '../http/request-error';

/** Longest time of one request, in ms. The next request continues the erasure. */
const erasureTimeoutMs = 30_000;

/** Pause before running deliveries and closing sockets are checked again, in ms. */
const pauseMs = 100;

/** Time after which every process has written its history, in ms. A process writes twice a second, and 1 s after a failure. */
const historyWrittenMs = 1500;

/** Maximum number of rows in one deletion. A deletion of this size holds its locks for some milliseconds. */
const rowsPerStep = 1000;

/** The OpenAPI description of both erasure routes. */
export const erasureDescription = `Answers 204 when neither Postgres nor Redis contains data of the user or context any more: directory
entries, properties, subscriptions, failed deliveries, waiting notifications, deliveries in the queues, the registry of sockets,
and the history. API keys that are restricted to the erased context alone are deleted. The audit log keeps only who wrote and when.
Sessions end, and their sockets are informed and closed. The user or context need not be in the directory.

Delivery attempts in progress cannot be cancelled, so the request waits for them, and then until every process has written its
history. If the erasure takes longer than
${erasureTimeoutMs / 1000} seconds, the answer is \`ERASURE_UNFINISHED\`: the erased part stays erased, and the same request without
\`If-Match\` continues. Erasing twice is harmless.

An erased user or context is not blocked. A notification that is accepted during or after the erasure waits as usual, finds no
subscription and is removed. A client with an API key can subscribe the user again. So stop the producers first. Digests of
ended sessions and of notification ids stay until they expire; they identify no user.

Jobs in a format that this version does not know, for example those of a newer version, are skipped and stay. The log reports them as
\`erasure.jobs-skipped\`. Repeat the request when they have ended.`;

/** Erases users and contexts: calls the `erase` of every store that contains their data. */
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
   * Resolves when no data of the owner is left. Safe to repeat, also after a crash, and safe to run concurrently.
   *
   * @throws PnsError `VERSION_CHANGED` before anything was erased; RequestError `ERASURE_UNFINISHED` after `withinMs`.
   */
  async erase(owner: Owner, expected?: Expected, withinMs = erasureTimeoutMs): Promise<void> {
    const deadline = Date.now() + withinMs;
    const change = changeOf(owner);
    if (expected !== undefined) await this.changes.make(change, () => this.directory.remove(owner, expected));
    await this.sessions.endAllOf(owner);
    // A worker may move data that it holds to a place that was already erased. So rounds repeat until a round finds nothing.
    // When all other data is erased, processes may still hold records of the history. So the last round starts after they have
    // written these records.
    let mayHaveHistory = true;
    for (;;) {
      const { found, heldBy } = await this.changes.make(change, () => this.eraseOnce(owner, deadline));
      if (found === 0 && !mayHaveHistory) return this.eraseMentions(owner, deadline);
      mayHaveHistory = found > 0;
      if (found === 0) await sleep(historyWrittenMs);
      else await this.waitForLocks(heldBy, deadline);
    }
  }

  /** Erases every place once, in the order in which a notification passes them, so that moving data is found at a later place. */
  private async eraseOnce(owner: Owner, deadline: number): Promise<Erased> {
    return erasedInAll([
      await this.eraseRows(owner, deadline), // includes subscriptions, so that no new deliveries are made
      await this.windows.erase(owner),
      await eraseDeliveries(this.queues, await this.queuesOf(owner), owner),
      await this.registry.erase(owner),
      await this.eraseRows(owner, deadline), // removes deliveries that failed during this round
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

  /** Erases data that mentions the owner: API keys of the context, and audit entries. */
  private async eraseMentions(owner: Owner, deadline: number): Promise<void> {
    const keys = owner.user === undefined ? await this.keys.eraseContext(owner.context) : [];
    for (const id of keys) await this.removedKeys.announce(id);
    while ((await this.audit.erase(owner, rowsPerStep)) > 0) assertBefore(deadline);
  }

  private async queuesOf(owner: Owner): Promise<QueueRef[]> {
    const { keys } = this.queues;
    return allDeliveryQueues(keys, await this.nodes.withQueues(), keys.shardsOf(owner));
  }

  /** Resolves when none of the locks is held. */
  private async waitForLocks(locks: readonly string[], deadline: number): Promise<void> {
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
  const sentence = 'The erasure is not finished. Repeat the request without If-Match to continue.';
  throw new RequestError('ERASURE_UNFINISHED', sentence);
}
