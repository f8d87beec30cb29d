import { log } from './log';

/**
 * A fault that a timer or each request meets again while it lasts: one warning when it begins and one when it is over, so that a
 * log of warnings alone shows both. They have no stack, because such faults come from outside: a server that is away or full.
 */
export class RecurringFault {
  private isPresent = false;

  /** `began` and `ended` are the events; `fields` are part of both lines. */
  constructor(
    private readonly began: string,
    private readonly ended: string,
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
