import type { ReadSubscription } from '@pns/persistence';
import { maxTokenBytes, maxTopicsPerSubscription } from '@pns/subscriptions';
import { isTopicPattern } from '@pns/topics';
import { transportAliases, transportName, transportNames } from '@pns/transport-contract';
import { createZodDto } from 'nestjs-zod';
import { z } from 'zod';
import { client, idNumber, idText, pageQuery } from '../http/fields';
import { isNestedDeeper } from '../json/is-nested-deeper';
import { pushSubscriptionSchema } from './push-subscription';
import { shownMeta } from './shown-meta';
import { testOutcomes } from './test-push';

export const topicPattern = z
  .string()
  .refine(isTopicPattern, 'must be a topic, a topic prefix with a trailing :*, or *, at most 255 characters');

const transportSentence = `must be one of ${transportNames.join(', ')}`;

/** A transport by its name or an alias. */
export const transport = z
  .string(transportSentence)
  .transform((name, context) => {
    const known = transportName(name);
    if (known !== undefined) return known;
    context.issues.push({ code: 'custom', message: transportSentence, input: name });
    return z.NEVER;
  })
  .meta({ type: 'string', enum: [...transportNames, ...transportAliases.keys()] });

/** The rules that hold for the tokens of all transports. Each transport has further rules. */
export const token = z
  .string()
  .regex(/^[^\s\p{Cc}\p{Cs}]*$/u, 'must not contain spaces or control characters')
  .min(1)
  .max(maxTokenBytes);

const maxMetaBytes = 4096;

/** The check of the nesting comes first and aborts, because the other checks are recursive. */
export const meta = z
  .looseObject({})
  .refine((value) => !isNestedDeeper(value, 8), { error: 'must not be nested deeper than 8 levels', abort: true })
  .refine(
    (value) => Buffer.byteLength(JSON.stringify(value)) <= maxMetaBytes,
    `must have at most ${maxMetaBytes} bytes of JSON`,
  );

const metaSentence =
  "Free data of the client. For a webhook, `authorization`, or `login` (or `username`) and `password`, authenticate to this subscription's URI instead of the configured credentials; they must be valid in a header. PNS does not use other members. Answers omit every member with the name of a credential (these four, or a name that contains token, secret, key and similar words), in any case and at any depth.";

/** The last time that both JavaScript and Postgres can store: the end of the year 9999. */
export const endOfTime = 253_402_300_799_999;
const expirySentence = 'must be a time in the future, in milliseconds since the epoch';

const topics = z
  .array(topicPattern)
  .min(1, 'must name at least one topic')
  .max(maxTopicsPerSubscription, `must name at most ${maxTopicsPerSubscription} topics`);

const expires = z
  .int(expirySentence)
  .max(endOfTime, expirySentence)
  .refine((at) => at === 0 || at > Date.now(), expirySentence);

export const pushSubscription = pushSubscriptionSchema(token, endOfTime);

export class NewSubscription extends createZodDto(
  z.strictObject({
    context: idNumber,
    user: idNumber,
    client: client.describe("The application that receives the notifications; for a webhook, the webhook's id."),
    transport,
    token: token
      .optional()
      .describe(
        'Device token, channel URI or webhook URI. Optional for a webhook with a configured URI. The answer contains the normal form: APNs tokens in lower case, URIs as defined by RFC 3986 and the WHATWG URL Standard.',
      ),
    pushSubscription: pushSubscription
      .optional()
      .describe(
        'Only for webpush, where it is mandatory: the result of `toJSON()` of the subscription of a browser. Its endpoint becomes the token. No answer contains its keys.',
      ),
    topics,
    expires: expires.optional().describe('Milliseconds since the epoch; absent or 0: never.'),
    meta: meta.optional().describe(metaSentence),
  }),
) {}

export class SubscriptionChanges extends createZodDto(
  z
    .strictObject({
      topics: topics.optional(),
      expires: expires.optional().describe('Milliseconds since the epoch; 0: never.'),
      meta: meta.nullable().optional().describe(`${metaSentence} Replaces the whole meta; null removes it.`),
    })
    .refine((changes) => Object.keys(changes).length > 0, 'must change topics, expires or meta'),
) {}

const view = z.object({
  id: z.uuid(),
  context: z.int(),
  user: z.int(),
  client: z.string(),
  transport: z.enum(transportNames),
  token: z.string(),
  topics: z.array(z.string()),
  expires: z.int().optional().describe('Milliseconds since the epoch.'),
  meta: z.looseObject({}).optional().describe('Without credentials.'),
  isMetaUnreadable: z
    .literal(true)
    .optional()
    .describe('No key in `PNS_ENCRYPTION_KEY` decrypts the meta. Register again, or replace the meta.'),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});

export class SubscriptionView extends createZodDto(view) {}

export class RegisteredSubscription extends createZodDto(
  view.extend({
    warnings: z
      .array(z.object({ code: z.string(), detail: z.string() }))
      .optional()
      .describe(
        'Reasons why the subscription currently receives no notifications, or not all: `CLIENT_NOT_CONFIGURED`, `CLIENT_ENTRY_REFUSED`, `CLIENT_SWITCHED_OFF`, `TRANSPORT_SWITCHED_OFF`.',
      ),
  }),
) {}

export class SubscriptionList extends createZodDto(
  z.object({ items: z.array(view), nextCursor: z.string().optional() }),
) {}

export class TestOutcome extends createZodDto(
  z.object({
    delivery: z.string().describe('The delivery id that was sent to the receiver.'),
    outcome: z.enum(testOutcomes),
    reason: z
      .string()
      .optional()
      .describe("Why the push was not delivered, with the provider's reason if it sent one."),
    providerId: z.string().optional().describe("The provider's id of the push."),
  }),
) {}

export class RemovedCount extends createZodDto(z.object({ removed: z.int() })) {}

const filter = {
  context: idText.optional(),
  user: idText.optional(),
  client: client.optional(),
  transport: transport.optional(),
  topic: topicPattern
    .optional()
    .describe(
      'With a topic: subscriptions whose patterns match it. With a pattern: subscriptions that contain exactly this pattern.',
    ),
  token: token.optional(),
};

export class SubscriptionQuery extends createZodDto(z.strictObject({ ...filter, ...pageQuery })) {}
export class SubscriptionFilterQuery extends createZodDto(z.strictObject(filter)) {}

export function subscriptionView(subscription: ReadSubscription): SubscriptionView {
  const { id, context, user, client, transport, token, topics, expiresAt, createdAt, updatedAt } = subscription;
  const { meta, isMetaUnreadable } = subscription;
  return {
    ...{ id, context, user, client, transport, token, topics: [...topics] },
    ...(expiresAt === undefined ? {} : { expires: expiresAt }),
    ...(meta === undefined ? {} : { meta: shownMeta(meta) }),
    ...(isMetaUnreadable === undefined ? {} : { isMetaUnreadable }),
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  };
}
