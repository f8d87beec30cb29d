import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { FailedDeliveryStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import { retentionOf } from './retention';

/** Maximum number of deliveries of one statement, so that it holds its locks only for some milliseconds. */
const deliveriesPerRemoval = 1000;

/** Removes failed deliveries that are older than their retention, held ones included. */
@Injectable()
export class FailedSweep {
  constructor(
    private readonly failed: FailedDeliveryStore,
    private readonly cascade: ConfigCascade,
  ) {}

  async sweep(now = Date.now()): Promise<void> {
    const before = now - retentionOf(this.cascade, 'com.openexchange.pns.failed.retention');
    let removed = 0;
    for (let portion = deliveriesPerRemoval; portion === deliveriesPerRemoval; removed += portion) {
      portion = await this.failed.removeOlderThan(before, deliveriesPerRemoval);
    }
    if (removed > 0) log.info({ event: 'failed-deliveries.swept', removed });
  }
}
