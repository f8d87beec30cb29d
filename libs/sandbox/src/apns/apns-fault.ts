import { z } from 'zod';

/** A fault of the simulated Apple. It applies to the next `times` pushes, or without `times` until another fault is set. */
export const apnsFault = z.strictObject({
  status: z.int().min(200).max(599).optional(),
  /** A reason of Apple's table; used only together with `status`. */
  reason: z
    .string()
    .regex(/^[A-Za-z]{1,64}$/)
    .optional(),
  /** The value of `retry-after`, which HTTP allows and Apple does not document. */
  retryAfterSeconds: z.int().min(0).optional(),
  /** Waits for this time before it answers. */
  delayMs: z.int().min(0).max(600_000).optional(),
  /** Accepts the push and never answers. */
  hang: z.boolean().optional(),
  /** Sends the headers of its answer, and never ends the answer. */
  hangAfterHeaders: z.boolean().optional(),
  /** Accepts the push and resets the connection. */
  reset: z.boolean().optional(),
  /**
   * Accepts the push, and then neither reads nor writes on this connection, which stays open as if the network had failed.
   */
  silence: z.boolean().optional(),
  times: z.int().min(1).optional(),
});

/** A parsed `apnsFault`. */
export type ApnsFault = Readonly<z.infer<typeof apnsFault>>;

/** The fault that was set last, and how many pushes it still applies to. */
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

  /** The fault for the next push; undefined if there is none. */
  take(): ApnsFault | undefined {
    if (this.left === 0) return undefined;
    this.left--;
    return this.fault;
  }
}
