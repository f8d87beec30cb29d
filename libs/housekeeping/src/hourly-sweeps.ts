import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { log } from '@pns/runtime';
import { AuditSweep } from './audit-sweep';
import { EndpointSweep } from './endpoint-sweep';
import { FailedSweep } from './failed-sweep';
import { HistorySweep } from './history-sweep';

/** Interval between sweeps of one API process, in ms. Several processes may sweep at the same time. */
const sweepEveryMs = 3_600_000;

/** Removes old rows of the audit log, endpoints, failed deliveries and history when the process starts and then every hour. */
@Injectable()
export class HourlySweeps implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly audit: AuditSweep,
    private readonly endpoints: EndpointSweep,
    private readonly failed: FailedSweep,
    private readonly history: HistorySweep,
  ) {}

  onApplicationBootstrap(): void {
    const sweep = (): void => {
      this.audit.sweep().catch((error: Error) => log.warn({ event: 'audit.not-swept', reason: error.message }));
      this.endpoints.sweep().catch((error: Error) => log.warn({ event: 'endpoints.not-swept', reason: error.message }));
      this.failed
        .sweep()
        .catch((error: Error) => log.warn({ event: 'failed-deliveries.not-swept', reason: error.message }));
      this.history.sweep().catch((error: Error) => log.warn({ event: 'history.not-swept', reason: error.message }));
    };
    sweep();
    this.timer = setInterval(sweep, sweepEveryMs).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }
}
