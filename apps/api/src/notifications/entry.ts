import type { Notification } from '@pns/notifications';
import { maxPayloadBytes, payloadFault } from '@pns/payloads';
import type { PnsErrorCode } from '@pns/runtime';
import { isSampled, traceContextOf, type TraceContext } from '@pns/transport-contract';
import { check, sentenceOf, type Fault } from '../http/faults';
import type { JsonRead } from '../json/read-json';
import { NotificationEntry } from './notification.schema';
import { maxPayloadDepth } from './posted';
import { timeSortedId } from './time-sorted-id';

/** Why an entry is refused. */
interface Refusal {
  readonly code: PnsErrorCode;
  readonly sentence: string;
  readonly faults: readonly Fault[];
}

/** The notifications of an entry, one for each addressed user, or its refusal. */
export type ReadEntry =
  | {
      readonly ok: true;
      readonly notifications: readonly Notification[];
      readonly hasUsers: boolean;
      /** The compact size of the entry's text, in bytes. */
      readonly bytes: number;
    }
  | UnreadEntry;

interface UnreadEntry {
  readonly ok: false;
  readonly refusal: Refusal;
}

/** Reads one entry of a request. `now` is in ms since the epoch. `trace` is the span of the request if traces are recorded. */
export type EntryReader = (posted: JsonRead, now: number, trace?: TraceContext) => ReadEntry;

/** Reads a notification, as an `EntryReader`. */
export function readEntry(posted: JsonRead, now: number, trace?: TraceContext): ReadEntry {
  if (!posted.ok) return refusedText(posted);
  const checked = check(NotificationEntry.schema, posted.value, 'the notification');
  if (!checked.ok) return refused(codeOf(checked.faults), checked.faults);
  const entry = checked.value;
  const fault = addresseeFault(entry) ?? payloadSizeFault(entry.payload, posted.compactBytes);
  if (fault !== undefined) return refused(fault.code, [fault]);
  const misfit = payloadFault(entry.topic, entry.payload);
  if (misfit !== undefined) return refusedPayload(misfit);
  const users = entry.users ?? [entry.user as number];
  const notifications = notificationsFor(users, entry, now, posterOf(entry, trace));
  return { ok: true, notifications, hasUsers: entry.users !== undefined, bytes: posted.compactBytes };
}

/**
 * The span that the traces of the entry's notifications continue: the one that the entry names, or else the span of the request.
 * Undefined if the trace of this span is not sampled, or while no traces are recorded.
 */
export function posterOf(
  { traceparent, tracestate }: { readonly traceparent?: unknown; readonly tracestate?: unknown },
  request: TraceContext | undefined,
): TraceContext | undefined {
  if (request === undefined) return undefined;
  const poster = traceContextOf(traceparent, tracestate) ?? request;
  return isSampled(poster) ? poster : undefined;
}

function notificationsFor(
  users: readonly number[],
  entry: NotificationEntry,
  now: number,
  postedBy: TraceContext | undefined,
): Notification[] {
  const { context, topic, payload, sourceToken, priority, ttlSeconds, aggregationKey, id } = entry;
  return users.map((user) => {
    const notification: Writable<Notification> = {
      id: id ?? timeSortedId(now),
      context,
      user,
      topic,
      payload,
      priority,
      timestamp: now,
    };
    if (sourceToken !== undefined) notification.sourceToken = sourceToken;
    if (ttlSeconds !== undefined) notification.expiresAt = now + ttlSeconds * 1000;
    if (aggregationKey !== undefined) notification.aggregationKey = aggregationKey;
    if (id !== undefined) notification.idempotencyKey = id;
    if (postedBy !== undefined) notification.postedBy = postedBy;
    return notification;
  });
}

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

interface CodedFault extends Fault {
  readonly code: PnsErrorCode;
}

function addresseeFault({ user, users }: NotificationEntry): CodedFault | undefined {
  const code = 'NOTIFICATION_INVALID';
  if (user === undefined && users === undefined) return { code, field: 'user', message: 'is missing' };
  if (user !== undefined && users !== undefined)
    return { code, field: 'users', message: 'cannot be combined with user' };
  if (users !== undefined && new Set(users).size < users.length) {
    return { code, field: 'users', message: 'names a user more than once' };
  }
  return undefined;
}

// JSON.stringify can write up to 6 times the compact bytes: 6 for a control character, whose escape counts as 1. For the 4 bytes
// of 1e20 it writes 21.
const maxGrowth = 6;

/** The fault of a payload that is too large. `field` is its name in the request. */
export function payloadSizeFault(payload: object, compactBytes: number, field = 'payload'): CodedFault | undefined {
  if (compactBytes * maxGrowth <= maxPayloadBytes) return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(payload));
  if (bytes <= maxPayloadBytes) return undefined;
  const message = `has ${bytes} bytes of JSON, and at most ${maxPayloadBytes} are allowed`;
  return { code: 'PAYLOAD_TOO_LARGE', field, message };
}

function codeOf(faults: readonly Fault[]): PnsErrorCode {
  return faults.every(({ field }) => field === 'topic') ? 'TOPIC_INVALID' : 'NOTIFICATION_INVALID';
}

/** The refusal of an entry whose text could not be read. `payload` is the name of the payload in the request. */
export function refusedText(
  { reason, sentence, faults }: Extract<JsonRead, { ok: false }>,
  payload = 'payload',
): UnreadEntry {
  switch (reason) {
    case 'malformed':
      return { ok: false, refusal: { code: 'BODY_MALFORMED', sentence, faults } };
    case 'too deep':
      return refused('PAYLOAD_INVALID', [
        { field: payload, message: `must not be nested deeper than ${maxPayloadDepth} levels` },
      ]);
    case 'too large':
      return { ok: false, refusal: { code: 'PAYLOAD_TOO_LARGE', sentence, faults } };
    case 'altered': {
      const isOfPayload = faults.every(({ field }) => field === payload || field.startsWith(`${payload}.`));
      return refused(isOfPayload ? 'PAYLOAD_INVALID' : 'NOTIFICATION_INVALID', faults);
    }
  }
}

/** The refusal of an entry with these faults. */
export function refused(code: PnsErrorCode, faults: readonly Fault[]): UnreadEntry {
  return { ok: false, refusal: { code, sentence: sentenceOf(faults), faults } };
}

/** The refusal of an entry because of its payload. */
export function refusedPayload(sentence: string, faults: readonly Fault[] = []): UnreadEntry {
  return { ok: false, refusal: { code: 'PAYLOAD_INVALID', sentence, faults } };
}
