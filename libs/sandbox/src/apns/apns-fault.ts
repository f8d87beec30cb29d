import { z } from 'zod';

/** How the played Apple misbehaves on demand, for the next `times` pushes or until it is told otherwise. */
export const apnsFault = z.strictObject({
  status: z.int().min(200).max(599).optional(),
  /** As in Apple's table; goes with `status`. */
  reason: z
    .string()
    .regex(/^[A-Za-z]{1,64}$/)
    .optional(),
  /** A header that Apple does not document and that HTTP allows. */
  retryAfterSeconds: z.int().min(0).optional(),
  /** Waits before it does anything else. */
  delayMs: z.int().min(0).max(600_000).optional(),
  /** Takes the push and never answers. */
  hang: z.boolean().optional(),
  /** Sends the headers of its answer, and then never the end. */
  hangAfterHeaders: z.boolean().optional(),
  /** Takes the push and resets the connection. */
  reset: z.boolean().optional(),
  /** Takes the push, and then neither reads nor writes on this connection, which stays open: what a dead network looks like. */
  silence: z.boolean().optional(),
  times: z.int().min(1).optional(),
});

export type ApnsFault = Readonly<z.infer<typeof apnsFault>>;

/** Faults that somebody asked for, each until it is used up. */
export class ApnsFaults {
  private fault: ApnsFault | undefined;
  private left = 0;

  get current(): ApnsFault {
    return this.left > 0 ? { ...this.fault, ...(this.fault?.times && { times: this.left }) } : {};
  }

  set(fault: ApnsFault): void {
    this.fault = fault;
    this.left = Object.keys(fault).length === 0 ? 0 : (fault.times ?? Infinity);
  }

  /** What to do with the push that has just come. */
  take(): ApnsFault | undefined {
    if (this.left === 0) return undefined;
    this.left--;
    return this.fault;
  }
}
