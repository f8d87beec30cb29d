import { isTopic } from '@pns/topics';
import { isClientId } from '@pns/subscriptions';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';

/** The largest id of a context or user: Postgres stores it as a 32-bit integer. */
export const maxId = 2_147_483_647;

const idSentence = `must be a whole number from 1 to ${maxId}`;

/** The id of a context or user in a body. */
export const idNumber = z
  .int({ error: ({ input }) => (input === undefined ? undefined : idSentence) })
  .min(1, idSentence)
  .max(maxId, idSentence);

/** The id of a context or user in a path or query, which contain text. */
export const idText = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, idSentence)
  .transform(Number)
  .refine((id) => id <= maxId, idSentence)
  .meta({ type: 'integer', minimum: 1, maximum: maxId });

export const client = z.string().refine(isClientId, 'must be 1 to 64 letters, digits, underscores, dots and dashes');

export const topic = z
  .string()
  .refine(
    isTopic,
    'must be words of letters, digits, underscores and dashes, joined by single colons, at most 255 characters',
  );

/** The id of a notification: a UUID, or an id that the producer chose. */
export const notificationId = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces');

/**
 * Text on one line: not empty, no control characters, no lone surrogates. The expression is not applied to a text that is too
 * long, because the expression takes a second for five million characters and overflows its stack for more.
 */
export function plainText(maxLength: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(maxLength, { abort: true })
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters');
}

/** A time of RFC 3339 with an offset, as text. Lower-case letters (RFC 3339, 5.6) become upper-case. */
export const dateTime = (sentence: string) =>
  z
    .string(sentence)
    .transform((text) => text.toUpperCase())
    .pipe(z.iso.datetime({ offset: true, error: sentence }))
    .meta({ type: 'string', format: 'date-time' });

/** A time in a query, in ms since the epoch. */
export const time = dateTime('must be a time, such as 2030-12-31T00:00:00Z').transform(Date.parse);

/** The schema of an optional time in a query; `text` describes this time. */
export const timeIn = (text: string) =>
  time.optional().meta({ type: 'string', format: 'date-time', description: text });

/** The query parameters that select a page of a list. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'must be a whole number from 1 to 500')
    .transform(Number)
    .refine((limit) => limit <= 500, 'must be a whole number from 1 to 500')
    .default(100)
    .meta({ type: 'integer', minimum: 1, maximum: 500, default: 100 }),
  cursor: z.string().min(1).max(600).optional().describe('The `nextCursor` of the previous page.'),
};

export class PageQuery extends createZodDto(z.strictObject(pageQuery)) {}

/** The parameters of a path whose `id` is a UUID. */
export class UuidPath extends createZodDto(z.object({ id: z.uuid('must be a UUID') })) {}
