import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { patientCopy, publish, subscriberOf, type Queues, type RedisClient, type Subscriber } from '@pns/queue';
import { log } from '@pns/runtime';
import type { ConfigCascade } from './config-cascade';
import type { ConfigChange } from './subject-cache';

/** A refresh that Postgres did not answer is tried again after this time, in ms. */
const retryMs = 500;

/** Tells every process of a change in the cascade, and hears of those of the others. */
@Injectable()
export class ConfigChanges implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly channel: string;
  private subscriber: Subscriber | undefined;
  /** Waits for Redis to come back, so that a change which was written while it was away is told afterwards. */
  private publisher: RedisClient | undefined;
  private retry: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly cascade: ConfigCascade,
    private readonly queues: Queues,
  ) {
    this.channel = queues.keys.global('config:changed');
  }

  /** To be called after each write. Resolves when this process obeys it; the others do a moment later. */
  async announce(change: ConfigChange): Promise<void> {
    this.publisher ??= patientCopy(this.queues.redis);
    publish(this.publisher, this.channel, JSON.stringify(change)).catch((error: unknown) => {
      log.warn({ event: 'config.change-not-announced', reason: (error as Error).message });
    });
    await this.cascade.apply(change);
  }

  onApplicationBootstrap(): void {
    const subscriber = subscriberOf(this.queues.redis, this.channel);
    subscriber.on('ready', () => void this.listen(subscriber));
    subscriber.on('message', (_channel, text) => this.obey(() => this.cascade.apply(JSON.parse(text) as ConfigChange)));
    this.subscriber = subscriber;
  }

  onApplicationShutdown(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.subscriber?.disconnect();
    this.publisher?.disconnect();
  }

  /** What was said before, or while the connection was away, was not heard: everything may have changed. */
  private async listen(subscriber: Subscriber): Promise<void> {
    try {
      await subscriber.listen();
      this.obey(() => this.cascade.applyAny());
    } catch (error) {
      if (this.isClosed) return;
      log.warn({ event: 'config.changes-unheard', reason: (error as Error).message });
      if (subscriber.status === 'ready') subscriber.disconnect(true); // and so starts over
    }
  }

  private obey(change: () => Promise<void>): void {
    change().catch((error: unknown) => {
      if (this.isClosed) return;
      log.warn({ event: 'config.refresh-failed', reason: (error as Error).message });
      clearTimeout(this.retry);
      this.retry = setTimeout(() => this.obey(() => this.cascade.applyAny()), retryMs);
    });
  }
}
