import { z } from 'zod';
import { errorsOnDemand } from './google-errors';

/** A fault of the simulated FCM. It applies to the next `times` messages, or without `times` until another fault is set. */
export const fcmFault = z.strictObject({
  /** Answers with this error in Google's shape. */
  error: z
    .enum(Object.keys(errorsOnDemand) as [keyof typeof errorsOnDemand, ...(keyof typeof errorsOnDemand)[]])
    .optional(),
  /** Answers with this status and a page that is not JSON, as a proxy does. */
  status: z.int().min(200).max(599).optional(),
  headers: z.record(z.string().regex(/^[a-z0-9-]+$/), z.string().regex(/^[ -~]*$/)).optional(),
  /** Waits for this time before it answers. */
  delayMs: z.int().min(0).max(600_000).optional(),
  /** Accepts the message and never answers. */
  hang: z.boolean().optional(),
  /** Sends the headers and the first byte of its answer, and never the rest. */
  hangInBody: z.boolean().optional(),
  /** Stops answering on this connection, as if a firewall had dropped it. */
  halfOpen: z.boolean().optional(),
  /** Accepts the message and ends the connection without an answer. */
  reset: z.boolean().optional(),
  /** Answers, and accepts no further requests on this connection (GOAWAY). */
  goAway: z.boolean().optional(),
  times: z.int().min(1).optional(),
});

/** A parsed `fcmFault`. */
export type FcmFault = Readonly<z.infer<typeof fcmFault>>;
