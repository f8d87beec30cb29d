import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { FailedDeliveryStore } from '@pns/persistence';
import { log } from '@pns/runtime';

/** Interval between sweeps of one API process, in ms. Several processes may sweep at the same time. */
const sweepEveryMs = 3_600_000;

/** A removal of this size holds its locks for some milliseconds. */
const deliveriesPerRemoval = 1000;

/** Removes failed deliveries that are older than their retention, held ones included. */
@Injectable()
export class FailedSweep implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly failed: FailedDeliveryStore,
    private readonly cascade: ConfigCascade,
  ) {}

  onApplicationBootstrap(): void {
    const sweep = () => {
      this.sweep().catch((error: Error) => log.warn({ event: 'failed-deliveries.not-swept', reason: error.message }));
    };
    sweep();
    this.timer = setInterval(sweep, sweepEveryMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  async sweep(now = Date.now()): Promise<void> {
    const before = now - this.cascade.resolve('com.openexchange.pns.failed.retention').value;
    let removed = 0;
    for (let portion = deliveriesPerRemoval; portion === deliveriesPerRemoval; removed += portion) {
      portion = await this.failed.removeOlderThan(before, deliveriesPerRemoval);
    }
    if (removed > 0) log.info({ event: 'failed-deliveries.swept', removed });
  }
}
