import { isAuthSecret, isPublicKey } from '@pns/transport-webpush';
import { z } from 'zod';

const publicKey = z
  .string()
  .refine(isPublicKey, 'must be an uncompressed point on the curve P-256 in base64url (65 bytes)');

/** The schema of a subscription as a browser's `PushSubscription.toJSON()` returns it. `latest` is in ms since the epoch. */
export function pushSubscriptionSchema(endpoint: z.ZodString, latest: number) {
  return z.object({
    endpoint,
    expirationTime: z
      .number()
      .max(latest)
      .refine((at) => at > Date.now(), 'is in the past: the browser must subscribe again')
      .nullable()
      .optional()
      .describe('Milliseconds since the epoch; null: unknown.'),
    keys: z.object({
      p256dh: publicKey,
      auth: z.string().refine(isAuthSecret, 'must be 16 bytes in base64url'),
    }),
    applicationServerKey: publicKey
      .optional()
      .describe(
        'The VAPID key with which the browser subscribed, in base64url. Default: for a subscription that is registered again, the same as before, else the current key of the client.',
      ),
  });
}

export type PushSubscription = z.infer<ReturnType<typeof pushSubscriptionSchema>>;
