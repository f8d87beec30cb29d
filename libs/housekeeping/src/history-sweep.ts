import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { HistoryPartitions, UsageStore } from '@pns/persistence';
import { log } from '@pns/runtime';

/** Partitions are created so long before the first row needs them, in ms: one failed sweep costs nothing. */
const createAheadMs = 86_400_000;

const hourMs = 3_600_000;

/** Counts of an hour are added up so long after its end, in ms: all processes have written theirs by then. */
const foldAfterMs = hourMs;

/** Each hour is looked at by several sweeps, so that one failed sweep costs nothing. */
const foldedHours = 3;

/**
 * Creates the partitions of the history ahead of time, drops those whose rows are older than the retention, and bounds the counts
 * of usage.
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
    const removed = await this.partitions.dropBefore(now - this.retentionOf('com.openexchange.pns.history.retention'));
    const foldTo = now - (now % hourMs) - foldAfterMs;
    await this.usage.fold(foldTo - foldedHours * hourMs, foldTo);
    await this.usage.removeOlderThan(now - this.retentionOf('com.openexchange.pns.usage.retention'));
    if (removed > 0) log.info({ event: 'history.swept', removed });
  }

  private retentionOf(name: 'com.openexchange.pns.history.retention' | 'com.openexchange.pns.usage.retention'): number {
    return this.cascade.resolve(name).value;
  }
}
