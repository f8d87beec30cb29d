import { z } from 'zod';
import { errorsOnDemand } from './google-errors';

/** How FCM misbehaves on demand, for the next `times` messages or until it is told otherwise. */
export const fcmFault = z.strictObject({
  /** Answers with this error in Google's shape. */
  error: z
    .enum(Object.keys(errorsOnDemand) as [keyof typeof errorsOnDemand, ...(keyof typeof errorsOnDemand)[]])
    .optional(),
  /** Answers with this status and a page that is no JSON, as something on the way would. */
  status: z.int().min(200).max(599).optional(),
  headers: z.record(z.string().regex(/^[a-z0-9-]+$/), z.string().regex(/^[ -~]*$/)).optional(),
  /** Waits before it does anything else. */
  delayMs: z.int().min(0).max(600_000).optional(),
  /** Takes the message and never answers. */
  hang: z.boolean().optional(),
  /** Sends the headers of its answer, and then never the body. */
  hangInBody: z.boolean().optional(),
  /** Answers nothing on this connection any more, as if something between had forgotten it. */
  halfOpen: z.boolean().optional(),
  /** Takes the message and ends the connection without an answer. */
  reset: z.boolean().optional(),
  /** Answers, and takes nothing new on this connection (GOAWAY). */
  goAway: z.boolean().optional(),
  times: z.int().min(1).optional(),
});

export type FcmFault = Readonly<z.infer<typeof fcmFault>>;
