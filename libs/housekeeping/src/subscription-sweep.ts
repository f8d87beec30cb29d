import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { SubscriptionStore } from '@pns/persistence';
import { Queues } from '@pns/queue';
import { log } from '@pns/runtime';
import type { Worker } from 'bullmq';

/** Maximum number of subscriptions of one statement, so that it locks rows only for some milliseconds. */
const subscriptionsPerRemoval = 1000;

const queueName = 'subscription-sweep';

/**
 * Removes expired subscriptions at an interval, in one process at a time. Nothing is sent to an expired subscription, so the interval
 * affects only the use of disk space.
 */
@Injectable()
export class SubscriptionSweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly group: string;
  private worker: Worker | undefined;
  private intervalMs = 0;

  constructor(
    private readonly queues: Queues,
    private readonly subscriptions: SubscriptionStore,
    private readonly cascade: ConfigCascade,
  ) {
    this.group = queues.keys.group(0);
  }

  async onApplicationBootstrap(): Promise<void> {
    this.worker = this.queues.worker(this.group, queueName, () => this.sweep());
    await this.schedule();
    this.cascade.onChange(() => {
      this.schedule().catch((error: Error) => log.warn({ event: 'sweep.not-scheduled', reason: error.message }));
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.worker?.close();
  }

  private async schedule(): Promise<void> {
    const every = this.cascade.resolve('com.openexchange.pns.subscriptions.sweepInterval').value;
    if (every === this.intervalMs) return;
    this.intervalMs = every;
    await this.queues.queue(this.group, queueName).upsertJobScheduler('sweep', { every });
  }

  private async sweep(): Promise<void> {
    let removed = 0;
    for (let portion = subscriptionsPerRemoval; portion === subscriptionsPerRemoval; removed += portion) {
      portion = await this.subscriptions.removeExpired(subscriptionsPerRemoval);
    }
    if (removed > 0) log.info({ event: 'subscriptions.swept', removed });
  }
}
