import { isTopic } from '@pns/topics';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { maxFaults } from '../http/faults';
import { dateTime, notificationId } from '../http/fields';
import { addresseeIn } from './addressee';

/** The topic of a CloudEvent: its type, with a colon for each dot, because types usually are reversed domain names. */
export function topicOf(type: string): string {
  return type.replaceAll('.', ':');
}

/** RFC 2046. A media type declares JSON if its subtype is `json` or ends with `+json`. */
const jsonMediaType = /^[^/;\s]+\/(?:[^;\s]+\+)?json\s*(?:;|$)/i;

/** The characters that RFC 3986 allows in a URI. */
const uriReference = /^[\w.~:/?#[\]@!$&'()*+,;=%-]{1,2048}$/;

const text = z.string().min(1, 'must not be empty');

/**
 * The attributes and the data of a CloudEvent. Extensions are accepted; only `traceparent` and `tracestate` are used.
 *
 * Source: CloudEvents 1.0.2 and its JSON format.
 */
export const cloudEventSchema = z
  .looseObject({
    specversion: z.literal('1.0', {
      error: ({ input }) => (input === undefined ? 'is missing' : 'must be the text 1.0'),
    }),
    type: text
      .refine((type) => isTopic(topicOf(type)), {
        error:
          'must be words of letters, digits, underscores and dashes, joined by single colons or dots, at most 255 characters',
      })
      .describe('The topic. Each dot becomes a colon: `com.example.updated` is the topic `com:example:updated`.'),
    source: text.regex(uriReference, 'must be a URI or a relative reference of at most 2048 characters'),
    id: notificationId.describe(
      'The id of the notification. A repeat with the same `source` and `id` is not sent twice within com.openexchange.pns.idempotency.retention.',
    ),
    subject: text
      .refine((subject) => addresseeIn(subject) !== undefined, {
        error: 'must name the user as <user>@<context>, such as 14@1',
      })
      .describe('The user, as `<user>@<context>`.'),
    time: dateTime('must be a time of RFC 3339, such as 2030-12-31T00:00:00Z').optional(),
    datacontenttype: z
      .string()
      .regex(jsonMediaType, 'must be a media type of JSON, because a payload is a JSON object')
      .optional(),
    dataschema: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9+.-]*:[^\s]+$/, 'must be an absolute URI')
      .optional(),
    data: z
      .looseObject({}, { error: 'must be a JSON object' })
      .optional()
      .describe('The payload. It must match the schema of a known topic.'),
    data_base64: z
      .string()
      .regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/, 'must be base64')
      .optional()
      .describe('Replaces `data`: the text of a JSON object, in base64.'),
  })
  .check(({ value, issues }) => {
    let faults = 0;
    for (const [name, attribute] of Object.entries(value)) {
      const message = attributeFault(name, attribute);
      if (message === undefined) continue;
      issues.push({ code: 'custom', path: [name.slice(0, 100)], message, input: attribute });
      // The list is limited, because the sender chooses how many faults an event has.
      if (++faults === maxFaults) break;
    }
    const fault = dataFault(value);
    if (fault !== undefined) issues.push({ code: 'custom', path: ['data'], message: fault, input: value });
  })
  .meta({
    example: {
      specversion: '1.0',
      type: 'ox:mail:new',
      source: '/mail/backend-1',
      id: 'A234-1234-1234',
      subject: '14@1',
      time: '2026-11-29T17:31:00Z',
      datacontenttype: 'application/json',
      data: { folder: 'default0/INBOX', id: '113' },
    },
  });

/** A CloudEvent in the OpenAPI document. */
export class CloudEvent extends createZodDto(cloudEventSchema) {}

const dataNames: ReadonlySet<string> = new Set(['data', 'data_base64']);

function attributeFault(name: string, value: unknown): string | undefined {
  if (dataNames.has(name)) return undefined;
  if (!/^[a-z0-9]+$/.test(name)) return 'is not the name of an attribute, which has lower-case letters and digits only';
  const isInteger = typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 31;
  if (typeof value === 'string' || typeof value === 'boolean' || isInteger) return undefined;
  return 'must be text, a whole number of 32 bits, true or false';
}

function dataFault({
  data,
  data_base64,
}: {
  readonly data?: unknown;
  readonly data_base64?: unknown;
}): string | undefined {
  if (data !== undefined && data_base64 !== undefined) return 'cannot be combined with data_base64';
  return data === undefined && data_base64 === undefined ? 'is missing' : undefined;
}
