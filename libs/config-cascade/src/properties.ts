import { aggregationModes, type AggregationMode } from '@pns/notifications';
import { isClientId } from '@pns/subscriptions';
import { isContactUri } from '@pns/transport-contract';
import { z } from 'zod';
import { flag, integer, list, template, text, urlTemplate } from './property-schemas';
import { scopes, type ScopeName } from './resolve';

/** The kind of a property's value. */
export type PropertyType = 'boolean' | 'integer' | 'text' | 'choice' | 'list';

/** A property that PNS reads: the schema of its text, its value when no scope defines it, and one sentence about it. */
export interface Property<Value> {
  readonly type: PropertyType;
  readonly schema: z.ZodType<Value>;
  readonly fallback: Value;
  /** The scopes in which it may be set. */
  readonly scopes: readonly ScopeName[];
  readonly sentence: string;
}

/** How a property is set for a client, a topic or both. */
export const suffixes =
  'append .<client>, .<topic> or .<client>.<topic> to the name to set it for a client, a topic or both';

/** Which notifications and attempts the history contains: all, only those that reached no target, or none. */
const historyModes = ['all', 'failures', 'none'] as const;
/** A value of `com.openexchange.pns.history`. */
export type HistoryMode = (typeof historyModes)[number];

/** For properties of a whole process. */
const serverOnly = ['server'] as const;

const dayMs = 24 * 60 * 60 * 1000;

/** Topics with another default mode. Changes of a folder are alike, so the newest one with `count`, their number, is enough. */
export const aggregationOfTopic: ReadonlyMap<string, AggregationMode> = new Map([
  ['ox:mail:read', 'collect'],
  ['ox:mail:flags', 'collect'],
  ['ox:mail:deleted', 'collect'],
  ['ox:folder:changed', 'collect'],
]);

/** The properties that PNS reads, with type, default and meaning, except the switches of the transports. */
export const properties = {
  'com.openexchange.pns.delayDuration': {
    type: 'integer',
    schema: integer(0, dayMs),
    fallback: 1000,
    scopes,
    sentence: 'How long a notification waits for similar ones, in ms; 0 sends at once.',
  },
  'com.openexchange.pns.maxDelayDuration': {
    type: 'integer',
    schema: integer(0, dayMs),
    fallback: 10_000,
    scopes,
    sentence: 'How long a stream of similar notifications can postpone the first of them, in ms.',
  },
  'com.openexchange.pns.timerFrequency': {
    type: 'integer',
    schema: integer(10, 60_000),
    fallback: 500,
    scopes: serverOnly,
    sentence: 'How often the dispatcher looks for due notifications, in ms.',
  },
  'com.openexchange.pns.numProcessorThreads': {
    type: 'integer',
    schema: integer(1, 1000),
    fallback: 10,
    scopes: serverOnly,
    sentence: 'How many batches of due notifications one dispatcher process works on at once.',
  },
  'com.openexchange.pns.maxProcessorTasks': {
    type: 'integer',
    schema: integer(1, 100_000_000),
    fallback: 65_536,
    scopes: serverOnly,
    sentence: 'How many due notifications may wait to be dispatched before new ones are refused with 503.',
  },
  'com.openexchange.pns.aggregation': {
    type: 'choice',
    schema: z.enum(aggregationModes),
    fallback: 'equal',
    scopes,
    sentence:
      'Which notifications are similar and share a window; append .<topic> to the name to set it for one topic. The default of ox:mail:read, ox:mail:flags, ox:mail:deleted and ox:folder:changed is collect.',
  },
  'com.openexchange.pns.idempotency.retention': {
    type: 'integer',
    schema: integer(1000, 30 * dayMs),
    fallback: 60 * 60 * 1000,
    scopes,
    sentence: "How long a producer's notification id is remembered, in ms; 145 to 175 bytes of Redis memory each.",
  },
  'com.openexchange.pns.retry.attempts': {
    type: 'integer',
    schema: integer(1, 100),
    fallback: 10,
    scopes,
    sentence: 'How many times a delivery is attempted before it is stored as failed.',
  },
  'com.openexchange.pns.retry.baseDelay': {
    type: 'integer',
    schema: integer(1, dayMs),
    fallback: 5000,
    scopes,
    sentence:
      'The pause before the first retry of a delivery, in ms; each further pause is about three times as long, up to a day.',
  },
  'com.openexchange.websockets.maxPerUser': {
    type: 'integer',
    schema: integer(0, 10_000),
    fallback: 8,
    scopes,
    sentence: 'How many sockets a user may have open.',
  },
  'com.openexchange.websockets.mailbox.maxNotifications': {
    type: 'integer',
    schema: integer(0, 10_000),
    fallback: 1000,
    scopes,
    sentence:
      'How many notifications are parked while a socket is away; if there are more, the socket gets notifications:missed.',
  },
  'com.openexchange.websockets.mailbox.maxBytes': {
    type: 'integer',
    schema: integer(0, 16 * 1024 * 1024),
    fallback: 1024 * 1024,
    scopes,
    sentence: 'How many bytes of payload are parked while a socket is away.',
  },
  'com.openexchange.websockets.unauthenticated.max': {
    type: 'integer',
    schema: integer(1, 1_000_000),
    fallback: 5000,
    scopes: serverOnly,
    sentence:
      'How many connections without a valid session a worker-websocket keeps open, each for ten seconds at most.',
  },
  'com.openexchange.websockets.unauthenticated.maxPerAddress': {
    type: 'integer',
    schema: integer(1, 1_000_000),
    fallback: 500,
    scopes: serverOnly,
    sentence: 'How many connections without a valid session one address may have; an IPv6 /64 counts as one address.',
  },
  'com.openexchange.webhooks.enabledIds': {
    type: 'list',
    schema: list,
    fallback: [],
    scopes,
    sentence:
      'The ids of the webhooks in webhooks.yml that a user may subscribe to and that get notifications of this user, separated by commas.',
  },
  'com.openexchange.pns.audit.retention': {
    type: 'integer',
    schema: integer(dayMs, 3650 * dayMs),
    fallback: 365 * dayMs,
    scopes: serverOnly,
    sentence: 'How long the entries of the audit log are kept, in ms.',
  },
  'com.openexchange.pns.endpoint.disableAfter': {
    type: 'integer',
    schema: integer(0, 3650 * dayMs),
    fallback: 5 * dayMs,
    scopes: serverOnly,
    sentence:
      'How long the URI of a webhook or of a Web Push subscription may fail without a success before it is switched off, in ms; 0: never. While it is off, its deliveries are kept.',
  },
  'com.openexchange.pns.operator.webhook': {
    type: 'text',
    schema: text(64).refine((value) => value === '' || isClientId(value), 'must be the id of a webhook'),
    fallback: '',
    scopes: serverOnly,
    sentence:
      'The id of the webhook that gets warnings for the operator; it needs a uri in webhooks.yml or in its options of the API, and no subscription. Nothing is sent when empty.',
  },
  'com.openexchange.pns.failed.retention': {
    type: 'integer',
    schema: integer(60 * 60 * 1000, 3650 * dayMs),
    fallback: 30 * dayMs,
    scopes: serverOnly,
    sentence: 'How long failed deliveries are kept so that they can be sent again, in ms. Then they are deleted.',
  },
  'com.openexchange.pns.history': {
    type: 'choice',
    schema: z.enum(historyModes),
    fallback: 'all',
    scopes,
    sentence:
      'Which notifications the history contains: all, failures (only those that were not delivered at the first attempt) or none; append .<topic> to the name to set it for one topic.',
  },
  'com.openexchange.pns.history.retention': {
    type: 'integer',
    schema: integer(60 * 60 * 1000, 366 * dayMs),
    fallback: dayMs,
    scopes: serverOnly,
    sentence: 'How long the history is shown, in ms. Its disk space is freed at most a day later.',
  },
  'com.openexchange.pns.usage.retention': {
    type: 'integer',
    schema: integer(dayMs, 3650 * dayMs),
    fallback: 400 * dayMs,
    scopes: serverOnly,
    sentence: 'How long the hourly counts of notifications and deliveries are kept, in ms.',
  },
  'com.openexchange.pns.subscriptions.maxPerUser': {
    type: 'integer',
    schema: integer(1, 10_000),
    fallback: 100,
    scopes,
    sentence:
      'How many unexpired subscriptions a user may have for one transport and client; a webhook with maxNumberOfSubscriptionsPerUser has its own limit.',
  },
  'com.openexchange.pns.subscriptions.maxTotalPerUser': {
    type: 'integer',
    schema: integer(1, 100_000),
    fallback: 1000,
    scopes,
    sentence: 'How many unexpired subscriptions a user may have in all.',
  },
  'com.openexchange.pns.subscriptions.sweepInterval': {
    type: 'integer',
    schema: integer(1000, dayMs),
    fallback: 60_000,
    scopes: serverOnly,
    sentence:
      'How often expired subscriptions are removed, in ms. Nothing is sent to an expired subscription, removed or not.',
  },
  'com.openexchange.pns.mobile.api.facade.apn.badge.enabled': {
    type: 'boolean',
    schema: flag,
    fallback: true,
    scopes,
    sentence: 'Whether a push through APNs sets the badge of the app.',
  },
  'com.openexchange.pns.mobile.api.facade.apn.sound.enabled': {
    type: 'boolean',
    schema: flag,
    fallback: true,
    scopes,
    sentence: 'Whether a push through APNs plays a sound.',
  },
  'com.openexchange.pns.mobile.api.facade.apn.sound.filename': {
    type: 'text',
    schema: text(255).min(1, 'must not be empty'),
    fallback: 'default',
    scopes,
    sentence: 'The sound that a push through APNs plays: the name of a file in the app, or default.',
  },
  'com.openexchange.pns.template.title': {
    type: 'text',
    schema: template,
    fallback: '',
    scopes,
    sentence: `The title of a push to a phone or desktop, as a Mustache template over the payload's fields, topic and count; ${suffixes}. Sections may be nested ten deep. A push whose templates take more than 5000 steps or 128 KiB of text to render is rejected.`,
  },
  'com.openexchange.pns.template.body': {
    type: 'text',
    schema: template,
    fallback: '',
    scopes,
    sentence: `The text below the title, as a template of the same kind; ${suffixes}.`,
  },
  'com.openexchange.pns.template.navigate': {
    type: 'text',
    schema: urlTemplate,
    fallback: '',
    scopes,
    sentence: `The URL that a click on a Web Push notification opens, as a template of the same kind with percent-encoded values, such as https://mail.example.com/#folder={{folder}}&id={{id}}; when empty, a click opens no URL; ${suffixes}.`,
  },
  'com.openexchange.pns.transport.webpush.subject': {
    type: 'text',
    schema: text(255).refine((value) => value === '' || isContactUri(value), 'must be a mailto: or https: URI'),
    fallback: '',
    scopes: serverOnly,
    sentence:
      'The mailto: or https: URI at which push services reach the operator, for clients without a subject of their own; Apple and Mozilla may refuse pushes without it.',
  },
  'com.openexchange.pns.template.data': {
    type: 'list',
    schema: list,
    fallback: [],
    scopes,
    sentence: `The payload fields that a push contains, separated by commas; all fields when empty; ${suffixes}.`,
  },
} as const satisfies Readonly<Record<string, Property<unknown>>>;

/** The name of a property of this table, without suffix. */
export type PropertyName = keyof typeof properties;
/** The parsed value of a property. */
export type PropertyValue<Name extends PropertyName> = z.output<(typeof properties)[Name]['schema']>;
