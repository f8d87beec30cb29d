import { z } from 'zod';

/** How a webhook misbehaves on demand, for the next `times` requests or until it is told otherwise. */
export const fault = z.strictObject({
  status: z.int().min(200).max(599).optional(),
  /** Answers 401 to whoever does not send this as `Authorization`. */
  authorization: z
    .string()
    .regex(/^[ -~]+$/)
    .optional(),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/), z.string().regex(/^[ -~]*$/)).optional(),
  /** Waits before it does anything else. */
  delayMs: z.int().min(0).max(600_000).optional(),
  /** Takes the request and never answers. */
  hang: z.boolean().optional(),
  /** Takes the request and resets the connection. */
  reset: z.boolean().optional(),
  /** Answers with a body of so many bytes. */
  bodyBytes: z.int().min(0).max(1_000_000_000).optional(),
  /** Sends the headers of its answer, and then never the body that they promise. */
  hangInBody: z.boolean().optional(),
  times: z.int().min(1).optional(),
});

export type Fault = Readonly<z.infer<typeof fault>>;
