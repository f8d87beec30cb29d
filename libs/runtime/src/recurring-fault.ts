import { log } from './log';
import type { LogEvent } from './log-events';

/**
 * Logs a fault that can occur again with each request or timer: one warning when it starts and one when it ends. The end is a
 * warning too, so that a log of level warn contains both. These lines have no stack, because the cause is outside the process: a
 * server that is full or not reachable.
 */
export class RecurringFault {
  private isPresent = false;

  /** `began` and `ended` are the names of the log events; `fields` are in both lines. */
  constructor(
    private readonly began: LogEvent<'warn'>,
    private readonly ended: LogEvent<'warn'>,
    private readonly fields: object = {},
  ) {}

  occurred(error: unknown): void {
    if (this.isPresent) return;
    this.isPresent = true;
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ event: this.began, ...this.fields, reason });
  }

  isOver(): void {
    if (!this.isPresent) return;
    this.isPresent = false;
    log.warn({ event: this.ended, ...this.fields });
  }
}
