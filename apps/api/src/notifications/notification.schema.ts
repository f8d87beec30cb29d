import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { idNumber, notificationId, plainText, topic } from '../http/fields';

/** Longest time to live, in seconds: 28 days, the longest time that a provider keeps a push. */
const maxTtlSeconds = 28 * 24 * 3600;

/** Maximum number of users that one entry addresses. */
const maxUsersPerEntry = 1000;

/** Maximum number of entries in one JSON body. */
export const maxEntriesPerBatch = 1000;

/** A field of the trace context. Its content is not checked, so that a malformed one is accepted and ignored. */
const traceText = z.string().max(1024).optional();

const ttlSentence = `must be a whole number of seconds from 1 to ${maxTtlSeconds}`;

const schema = z
  .strictObject({
    context: idNumber,
    user: idNumber.optional().describe('Either `user` or `users`.'),
    users: z
      .array(idNumber)
      .min(1, 'must name at least one user')
      .max(maxUsersPerEntry, `must name at most ${maxUsersPerEntry} users`)
      .optional()
      .describe('Addresses up to 1,000 users at once.'),
    topic,
    // The schema is `unknown`, because an object schema would copy the payload member by member.
    payload: z
      .unknown()
      .refine(isJsonObject, { error: ({ input }) => (input === undefined ? 'is missing' : 'must be a JSON object') })
      .meta({ type: 'object', properties: {}, additionalProperties: {} })
      .describe('At most 64 KiB of JSON. The payload of a known topic must match its schema.'),
    sourceToken: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe(
        'The push token or connection id of the client that caused the notification. This client does not receive it, unless notifications with different source tokens were joined.',
      ),
    priority: z.enum(['high', 'medium', 'low']).default('high'),
    ttlSeconds: z.int(ttlSentence).min(1, ttlSentence).max(maxTtlSeconds, ttlSentence).optional(),
    aggregationKey: plainText(255).optional(),
    id: notificationId
      .optional()
      .describe(
        'The id of the notification. A repeated request with this id is not sent twice within com.openexchange.pns.idempotency.retention. The same id with other content is refused.',
      ),
    traceparent: traceText.describe(
      'The W3C trace context of the notification, instead of that of the request. A malformed one is ignored.',
    ),
    tracestate: traceText.describe('Belongs to `traceparent`.'),
  })
  .meta({
    example: {
      context: 1,
      user: 14,
      topic: 'ox:mail:new',
      payload: {
        folder: 'default0/INBOX',
        id: '113',
        email: 'jane.doe@example.com',
        subject: "Let's meet",
        unread: 83,
      },
    },
  });

function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A notification for one user or several users, as a producer posts it. */
export class NotificationEntry extends createZodDto(schema) {}

/** A batch in the OpenAPI document. Its entries are checked one by one, so that valid ones are accepted. */
export class NotificationBatch extends createZodDto(
  z.strictObject({ notifications: z.array(schema).min(1).max(maxEntriesPerBatch) }),
) {}

const listed = z.object({
  id: z.string().describe("The producer's id, or a generated UUID."),
  status: z.enum(['accepted', 'duplicate']),
  user: z.int().optional().describe('Only with `users`: the user.'),
  index: z.int().optional().describe('The entry of the batch or the line of NDJSON, from 0.'),
});

const refused = z.object({
  index: z.int(),
  user: z.int().optional().describe('Present where an entry with `users` was refused only for this user.'),
  code: z.string(),
  error: z.string().describe('The reason, in one sentence.'),
});

/** The results of a request. A notification with status accepted survives the crash of any process. */
export class IngestAnswer extends createZodDto(
  z.object({
    accepted: z.int(),
    notifications: z.array(listed),
    errors: z.array(refused).optional().describe('Only with 207: the entries, or users of entries, that were refused.'),
  }),
) {}

export type ListedNotification = z.infer<typeof listed>;
export type RefusedEntry = z.infer<typeof refused>;
