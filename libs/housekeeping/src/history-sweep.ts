import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { HistoryPartitions, UsageStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import { retentionOf } from './retention';

/** Partitions are created this long before the first row needs them, in ms, so that one failed sweep does no harm. */
const createAheadMs = 86_400_000;

const hourMs = 3_600_000;

/** Counts of an hour are added up this long after its end, in ms: by then all processes have written their counts. */
const foldAfterMs = hourMs;

/** The number of hours that one sweep adds up: several, so that one failed sweep does no harm. */
const foldedHours = 3;

/**
 * Creates the partitions of the history ahead of time, drops partitions whose rows are older than the retention, and limits the
 * number of usage counts.
 */
@Injectable()
export class HistorySweep {
  constructor(
    private readonly partitions: HistoryPartitions,
    private readonly usage: UsageStore,
    private readonly cascade: ConfigCascade,
  ) {}

  async sweep(now = Date.now()): Promise<void> {
    await this.partitions.create(now);
    await this.partitions.create(now + createAheadMs);
    const foldTo = now - (now % hourMs) - foldAfterMs;
    await this.usage.fold(foldTo - foldedHours * hourMs, foldTo);
    const history = retentionOf(this.cascade, 'com.openexchange.pns.history.retention');
    const removed = await this.partitions.dropBefore(now - history);
    if (removed > 0) log.info({ event: 'history.swept', removed });
    await this.usage.removeOlderThan(now - retentionOf(this.cascade, 'com.openexchange.pns.usage.retention'));
  }
}
