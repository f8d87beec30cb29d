import type { FailedDelivery } from '@pns/persistence';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { client, idNumber, idText, notificationId, pageQuery, timeIn, topic } from '../http/fields';
import { transport } from '../subscriptions/subscriptions.dto';

/** The outcomes of stored deliveries; `exhausted`: the last allowed attempt failed. */
const outcomes = ['exhausted', 'gone', 'rejected', 'misconfigured', 'expired'] as const;

const outcome = z.enum(outcomes, `must be one of ${outcomes.join(', ')}`);
const id = z.string().regex(/^[\w-]{1,200}$/, 'must be the id of a delivery');

const failedBefore = timeIn('Only deliveries that failed before this time.');

const filter = {
  // If the query names only one id, the value is a text and not a list.
  id: z
    .preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(id).min(1).max(100))
    .optional()
    .describe('Ids of deliveries; the parameter may be repeated.'),
  context: idText.optional(),
  user: idText.optional(),
  client: client.optional(),
  transport: transport.optional(),
  topic: topic.optional(),
  outcome: outcome.optional(),
  notification: notificationId.optional().describe('The id of the notification.'),
  failedBefore,
};

export class DeliveryQuery extends createZodDto(z.strictObject({ ...pageQuery, ...filter })) {}

export class DeliveryFilterQuery extends createZodDto(z.strictObject(filter)) {}

export class DeliveryRetry extends createZodDto(
  z
    .strictObject({
      ids: z.array(id).min(1).max(1000).optional(),
      context: idNumber.optional(),
      user: idNumber.optional(),
      client: client.optional(),
      transport: transport.optional(),
      topic: topic.optional(),
      outcome: outcome.optional(),
      failedBefore,
    })
    .refine((filter) => Object.keys(filter).length > 0, 'must name deliveries by ids or by a filter'),
) {}

const rest = {
  hasMore: z.boolean().describe('Whether more deliveries match. Repeat the request with `failedBefore` for them.'),
  failedBefore: z.iso
    .datetime()
    .optional()
    .describe('With `hasMore`: when this request began, so that a repeat leaves out what failed later.'),
};

export class RetriedCount extends createZodDto(z.object({ retried: z.int(), ...rest })) {}

export class DeletedCount extends createZodDto(z.object({ removed: z.int(), ...rest })) {}

const view = z.object({
  id: z.string(),
  notification: z.string(),
  subscription: z.string().optional(),
  context: z.int().describe('0 for a message to the operator.'),
  user: z.int(),
  client: z.string(),
  transport: z.string(),
  topic: z.string(),
  outcome,
  reason: z.string().describe('The reason from the provider or from PNS. It contains no secrets.'),
  isHeld: z
    .boolean()
    .describe('Whether the delivery is held: it is sent automatically after the settings of its client are corrected.'),
  isKept: z
    .boolean()
    .describe(
      'Whether the delivery is kept because its endpoint is switched off: it is sent after the endpoint is on.',
    ),
  attempts: z.int(),
  failedAt: z.iso.datetime(),
});

export class DeliveryList extends createZodDto(z.object({ items: z.array(view), nextCursor: z.string().optional() })) {}

/** The view of a failed delivery. It omits token and payload, which are private and not needed to find a fault. */
export function deliveryView({
  delivery,
  outcome: ended,
  reason,
  isHeld,
  isKept = false,
  failedAt,
}: FailedDelivery): z.infer<typeof view> {
  const { id: of, notificationId, subscriptionId, context, user, client: to, transport: by, topic: about } = delivery;
  return {
    id: of,
    notification: notificationId,
    ...(subscriptionId === undefined ? {} : { subscription: subscriptionId }),
    ...{ context, user, client: to, transport: by, topic: about },
    outcome: ended as (typeof outcomes)[number],
    reason,
    isHeld,
    isKept,
    attempts: delivery.attempt,
    failedAt: new Date(failedAt).toISOString(),
  };
}
