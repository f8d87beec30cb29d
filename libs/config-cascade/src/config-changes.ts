import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { PendingChangeStore } from '@pns/persistence';
import type { Queues } from '@pns/queue';
import { patientCopy, publish, subscriberOf, type RedisClient, type Subscriber } from '@pns/redis';
import { log, RecurringFault } from '@pns/runtime';
import type { ConfigCascade } from './config-cascade';
import type { ConfigChange } from './subject-cache';

/** A refresh that Postgres did not answer is tried again after this time, in ms. */
const retryMs = 500;

/** How often it is asked whether somebody could not tell of a change, in ms. */
export const askMs = 500;
/** Telling takes some milliseconds. Whoever has not done it after this time may never do it. */
export const overdueMs = 400;

/**
 * Tells every process of a change in the cascade, and hears of those of the others: on a channel, and, of those whose
 * writer could not tell, from Postgres.
 */
@Injectable()
export class ConfigChanges implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly channel: string;
  private subscriber: Subscriber | undefined;
  /** Waits for Redis to come back, so that a change which was written while it was away is told afterwards. */
  private publisher: RedisClient | undefined;
  private retry: NodeJS.Timeout | undefined;
  private next: NodeJS.Timeout | undefined;
  /** Whether a mark may have come and gone while Postgres could not be asked. */
  private isUnsure = false;
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
   * Has `write` make a change, of which everybody then hears, whatever becomes of this process meanwhile. Resolves when
   * this process obeys it; the others do a moment later.
   */
  async make<Written>(change: ConfigChange, write: () => Promise<Written>): Promise<Written> {
    const mark = await this.pendingChanges.add();
    try {
      return await write();
    } finally {
      // Also of a write that failed: its answer may be all that got lost.
      void this.announce(change, mark);
      await this.cascade.apply(change);
    }
  }

  onApplicationBootstrap(): void {
    const subscriber = subscriberOf(this.queues.redis, this.channel);
    subscriber.on('ready', () => void this.listen(subscriber));
    subscriber.on('message', (_channel, text) => this.obey(() => this.cascade.apply(JSON.parse(text) as ConfigChange)));
    this.subscriber = subscriber;
    void this.ask();
  }

  onApplicationShutdown(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    clearTimeout(this.next);
    this.subscriber?.disconnect();
    this.publisher?.disconnect();
  }

  /** What was said before, or while the connection was away, was not heard: everything may have changed. */
  private async listen(subscriber: Subscriber): Promise<void> {
    try {
      await subscriber.listen();
      this.listenFault.isOver();
      this.obey(() => this.cascade.applyAny());
    } catch (error) {
      if (this.isClosed) return;
      this.listenFault.occurred(error);
      if (subscriber.status === 'ready') subscriber.disconnect(true); // and so starts over
    }
  }

  private async announce(change: ConfigChange, mark: string): Promise<void> {
    try {
      this.publisher ??= patientCopy(this.queues.redis);
      await publish(this.publisher, this.channel, JSON.stringify(change));
      await this.pendingChanges.remove(mark);
    } catch (error) {
      if (this.isClosed) return;
      log.warn({ event: 'config.change-not-announced', reason: (error as Error).message });
    }
  }

  /** A change that is marked may be written any moment, so that everything is read again until its mark is gone. */
  private async ask(): Promise<void> {
    try {
      const isAny = await this.pendingChanges.isAnyOlderThan(overdueMs);
      if (isAny || this.isUnsure) this.obey(() => this.cascade.applyAny());
      this.isUnsure = false;
    } catch {
      this.isUnsure = true;
    }
    if (!this.isClosed) this.next = setTimeout(() => void this.ask(), askMs);
  }

  private obey(change: () => Promise<void>): void {
    change().then(
      () => this.refreshFault.isOver(),
      (error: unknown) => {
        if (this.isClosed) return;
        this.refreshFault.occurred(error);
        clearTimeout(this.retry);
        this.retry = setTimeout(() => this.obey(() => this.cascade.applyAny()), retryMs);
      },
    );
  }
}
