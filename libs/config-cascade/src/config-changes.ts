import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { PendingChangeStore } from '@pns/persistence';
import type { Queues } from '@pns/queue';
import { waitingCopy, publish, subscriberOf, type RedisClient, type Subscriber } from '@pns/redis';
import { log, RecurringFault } from '@pns/runtime';
import type { ConfigCascade } from './config-cascade';
import type { ConfigChange } from './subject-cache';

/** A refresh that failed because Postgres did not answer is retried after this time, in ms. */
const retryMs = 500;

/** Time between two searches in Postgres for changes that were not announced, in ms. */
export const checkEveryMs = 500;
/** An announcement takes some milliseconds. After this time, in ms, it may be lost. */
export const overdueMs = 400;

/**
 * Announces changes of the cascade to all processes on a channel, and receives the changes of other processes. Changes whose
 * announcement was lost are found in Postgres.
 */
@Injectable()
export class ConfigChanges implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly channel: string;
  private subscriber: Subscriber | undefined;
  /** Its commands wait while Redis is away, so a change that is written meanwhile is announced when Redis is back. */
  private publisher: RedisClient | undefined;
  private retry: NodeJS.Timeout | undefined;
  private next: NodeJS.Timeout | undefined;
  /** Whether the mark of a change may have been added and removed while Postgres did not answer. */
  private mayHaveMissedMark = false;
  private readonly listenFault = new RecurringFault('config.changes-unheard', 'config.changes-heard');
  private readonly refreshFault = new RecurringFault('config.refresh-failed', 'config.refreshed');
  private isClosed = false;

  constructor(
    private readonly cascade: ConfigCascade,
    private readonly queues: Queues,
    private readonly pendingChanges: Pick<PendingChangeStore, 'add' | 'remove' | 'isAnyOlderThan'>,
  ) {
    this.channel = queues.keys.global('config:changed');
  }

  /**
   * Calls `write`, which makes a change, and announces the change. All processes apply it, even if this process dies meanwhile.
   * Resolves when the change is in effect in this process; the other processes follow shortly after.
   */
  async make<Written>(change: ConfigChange, write: () => Promise<Written>): Promise<Written> {
    const mark = await this.pendingChanges.add();
    try {
      return await write();
    } finally {
      // A failed write is announced too, because maybe only its answer was lost.
      void this.announce(change, mark);
      await this.cascade.apply(change);
    }
  }

  onApplicationBootstrap(): void {
    const subscriber = subscriberOf(this.queues.redis, this.channel);
    subscriber.on('ready', () => void this.listen(subscriber));
    subscriber.on('message', (_channel, text) =>
      this.applyOrRetry(() => this.cascade.apply(JSON.parse(text) as ConfigChange)),
    );
    this.subscriber = subscriber;
    void this.checkMarks();
  }

  onApplicationShutdown(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    clearTimeout(this.next);
    this.subscriber?.disconnect();
    this.publisher?.disconnect();
  }

  /** Subscribes and then reads everything again, because announcements before the subscription were missed. */
  private async listen(subscriber: Subscriber): Promise<void> {
    try {
      await subscriber.listen();
      this.listenFault.isOver();
      this.applyOrRetry(() => this.cascade.applyAny());
    } catch (error) {
      if (this.isClosed) return;
      this.listenFault.occurred(error);
      if (subscriber.status === 'ready') subscriber.disconnect(true); // reconnects and emits `ready` again
    }
  }

  private async announce(change: ConfigChange, mark: string): Promise<void> {
    try {
      this.publisher ??= waitingCopy(this.queues.redis);
      await publish(this.publisher, this.channel, JSON.stringify(change));
      await this.pendingChanges.remove(mark);
    } catch (error) {
      if (this.isClosed) return;
      log.warn({ event: 'config.change-not-announced', reason: (error as Error).message });
    }
  }

  /** Reads everything again while Postgres has an old mark, because the marked change may be written late and never announced. */
  private async checkMarks(): Promise<void> {
    try {
      const isAny = await this.pendingChanges.isAnyOlderThan(overdueMs);
      if (isAny || this.mayHaveMissedMark) this.applyOrRetry(() => this.cascade.applyAny());
      this.mayHaveMissedMark = false;
    } catch {
      this.mayHaveMissedMark = true;
    }
    if (!this.isClosed) this.next = setTimeout(() => void this.checkMarks(), checkEveryMs);
  }

  private applyOrRetry(change: () => Promise<void>): void {
    change().then(
      () => this.refreshFault.isOver(),
      (error: unknown) => {
        if (this.isClosed) return;
        this.refreshFault.occurred(error);
        clearTimeout(this.retry);
        this.retry = setTimeout(() => this.applyOrRetry(() => this.cascade.applyAny()), retryMs);
      },
    );
  }
}
