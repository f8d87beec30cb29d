import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { EndpointStore } from '@pns/persistence';
import { log } from '@pns/runtime';

/** Interval between sweeps of one API process, in ms. Several processes may sweep at the same time. */
const sweepEveryMs = 3_600_000;

/** A state that ended is kept for this time, in ms, so that every worker reads the change. */
const keepForMs = 3_600_000;

/** A removal of this size holds its locks for some milliseconds. */
const endpointsPerRemoval = 1000;

/** Removes the states of endpoints that work again, and of those that have no subscription any more. */
@Injectable()
export class EndpointSweep implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly endpoints: EndpointStore) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.sweep().catch((error: Error) => log.warn({ event: 'endpoints.not-swept', reason: error.message }));
    }, sweepEveryMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  async sweep(now = Date.now()): Promise<void> {
    let portion = endpointsPerRemoval;
    while (portion === endpointsPerRemoval) {
      portion = await this.endpoints.removeEnded(now - keepForMs, endpointsPerRemoval);
    }
  }
}
