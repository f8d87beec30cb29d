import { z } from 'zod';

/** A fault of a simulated webhook. It applies to the next `times` requests, or without `times` until another fault is set. */
export const fault = z.strictObject({
  status: z.int().min(200).max(599).optional(),
  /** Answers 401 to requests without this `Authorization`. */
  authorization: z
    .string()
    .regex(/^[ -~]+$/)
    .optional(),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/), z.string().regex(/^[ -~]*$/)).optional(),
  /** Waits for this time before it answers. */
  delayMs: z.int().min(0).max(600_000).optional(),
  /** Accepts the request and never answers. */
  hang: z.boolean().optional(),
  /** Accepts the request and resets the connection. */
  reset: z.boolean().optional(),
  /** The bytes of the answer's body. */
  bodyBytes: z.int().min(0).max(1_000_000_000).optional(),
  /** Sends the headers of its answer, and never the whole body. */
  hangInBody: z.boolean().optional(),
  times: z.int().min(1).optional(),
});

/** A parsed `fault`. */
export type Fault = Readonly<z.infer<typeof fault>>;
