import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { idNumber, notificationId, plainText, topic } from '../http/fields';

/** Longest time to live, in seconds: 28 days, the most that a provider keeps a push. */
export const maxTtlSeconds = 28 * 24 * 3600;

/** Most users that one entry addresses. */
export const maxUsersPerEntry = 1000;

/** Most entries of one JSON body. */
export const maxEntriesPerBatch = 1000;

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
    payload: z
      .looseObject({}, { error: ({ input }) => (input === undefined ? undefined : 'must be a JSON object') })
      .describe('At most 64 KiB of JSON; the payload of a known topic has to fit its schema.'),
    sourceToken: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe(
        'Push token or connection id of the client that caused it, which is not told. Where joined ones differ in it, all are.',
      ),
    priority: z.enum(['high', 'medium', 'low']).default('high'),
    ttlSeconds: z.int(ttlSentence).min(1, ttlSentence).max(maxTtlSeconds, ttlSentence).optional(),
    aggregationKey: plainText(255).optional(),
    id: notificationId
      .optional()
      .describe(
        'Makes a repeat harmless for com.openexchange.pns.idempotency.retention. The same id with other content is refused.',
      ),
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

/** What a producer posts for a user, or for several. */
export class NotificationEntry extends createZodDto(schema) {}

/** The shape of a batch in the API's description; its entries are checked one by one, so that good ones count. */
export class NotificationBatch extends createZodDto(
  z.strictObject({ notifications: z.array(schema).min(1).max(maxEntriesPerBatch) }),
) {}

const listed = z.object({
  id: z.string().describe("The producer's own, or a UUID."),
  status: z.enum(['accepted', 'duplicate']),
  user: z.int().optional().describe('With `users`: whose it is.'),
  index: z.int().optional().describe('Which entry of a batch, or line of NDJSON, it came from; from 0.'),
});

const refused = z.object({
  index: z.int(),
  user: z.int().optional().describe('Where an entry with `users` was refused for this one only.'),
  code: z.string(),
  error: z.string().describe('One sentence.'),
});

/** What became of a request: what is listed as accepted survives the death of any process. */
export class IngestAnswer extends createZodDto(
  z.object({
    accepted: z.int(),
    notifications: z.array(listed),
    errors: z.array(refused).optional().describe('Only with 207: the entries that were not taken, or users of them.'),
  }),
) {}

export type ListedNotification = z.infer<typeof listed>;
export type RefusedEntry = z.infer<typeof refused>;
