import { z } from 'zod';
import { fault } from '../webhook/fault';

/** A fault of the simulated push service. If it has a status, the answer contains Mozilla's error as JSON. */
export const webpushFault = fault.omit({ bodyBytes: true, authorization: true }).extend({
  /** Stops answering on this connection, as if a firewall had dropped it. */
  halfOpen: z.boolean().optional(),
  /** Answers, and accepts no further requests on this connection (GOAWAY). */
  goAway: z.boolean().optional(),
});

/** A parsed `webpushFault`. */
export type WebpushFault = Readonly<z.infer<typeof webpushFault>>;
