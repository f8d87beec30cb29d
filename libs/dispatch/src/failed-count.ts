import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { FailedDeliveryStore } from '@pns/persistence';
import { log, metrics } from '@pns/runtime';
import { transportNames } from '@pns/transport-contract';
import { Gauge } from 'prom-client';

/** A scrape waits for Postgres at most this long, in ms. */
const scrapeTimeoutMs = 1000;

/** Counts the deliveries that are stored as failed, and those that are held until their client's credentials are corrected. */
@Injectable()
export class FailedCount implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly failed: FailedDeliveryStore) {}

  onApplicationBootstrap(): void {
    running.add(this);
  }

  onApplicationShutdown(): void {
    running.delete(this);
  }

  /** Returns the counts by transport, held and not held; undefined if Postgres fails or does not answer in time. */
  async counts(): Promise<Awaited<ReturnType<FailedDeliveryStore['counts']>> | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`Postgres has not answered within ${scrapeTimeoutMs} ms.`)),
        scrapeTimeoutMs,
      );
    });
    try {
      return await Promise.race([this.failed.counts(), late]);
    } catch (error) {
      log.warn({ event: 'failed-deliveries.not-counted', reason: (error as Error).message });
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

const running = new Set<FailedCount>();

new Gauge({
  name: 'pns_failed_deliveries',
  help: 'Deliveries that failed for good and are kept; held ones are sent once the settings of their client are corrected. Every dispatcher reports the count of the whole system: take the maximum, not the sum.',
  labelNames: ['transport', 'held'],
  registers: [metrics],
  async collect() {
    const [anyone] = running;
    const counts = await anyone?.counts();
    this.reset();
    if (counts === undefined) return;
    for (const transport of transportNames) for (const held of ['true', 'false']) this.set({ transport, held }, 0);
    for (const { transport, isHeld, count } of counts) this.set({ transport, held: String(isHeld) }, count);
  },
});
