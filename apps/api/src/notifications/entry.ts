import { randomUUID } from 'node:crypto';
import type { Notification } from '@pns/aggregation';
import { maxPayloadBytes, payloadFault } from '@pns/payloads';
import { check, sentenceOf, type Fault } from '../http/faults';
import type { ProblemCode } from '../http/problems';
import { NotificationEntry } from './notification.schema';

/** Deepest nesting of a payload: far beyond what anybody means, and far below what breaks a recursive reader. */
export const maxPayloadDepth = 64;

/** Why an entry is not taken. */
export interface Refusal {
  readonly code: ProblemCode;
  readonly sentence: string;
  readonly faults: readonly Fault[];
}

/** The notifications that an entry amounts to, one for each user it addresses. */
export type ReadEntry =
  | { readonly ok: true; readonly notifications: readonly Notification[]; readonly hasUsers: boolean }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * Reads what a producer posted. `textBytes` bounds the length of the text it was parsed from; `now` is in ms since the
 * epoch.
 */
export function readEntry(value: unknown, textBytes: number, now: number): ReadEntry {
  const checked = check(NotificationEntry.schema, value, 'the notification');
  if (!checked.ok) return refused(codeOf(checked.faults), checked.faults);
  const entry = checked.value;
  const fault = addresseeFault(entry) ?? payloadSizeFault(entry.payload, textBytes);
  if (fault !== undefined) return refused(fault.code, [fault]);
  const misfit = payloadFault(entry.topic, entry.payload);
  if (misfit !== undefined) return misfitting(misfit);
  const users = entry.users ?? [entry.user as number];
  return { ok: true, notifications: notificationsFor(users, entry, now), hasUsers: entry.users !== undefined };
}

function notificationsFor(users: readonly number[], entry: NotificationEntry, now: number): Notification[] {
  const { context, topic, payload, sourceToken, priority, ttlSeconds, aggregationKey, id } = entry;
  return users.map((user) => {
    const notification: Writable<Notification> = {
      id: id ?? randomUUID(),
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
    return notification;
  });
}

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

interface CodedFault extends Fault {
  readonly code: ProblemCode;
}

function addresseeFault({ user, users }: NotificationEntry): CodedFault | undefined {
  const code = 'NOTIFICATION_INVALID';
  if (user === undefined && users === undefined) return { code, field: 'user', message: 'is missing' };
  if (user !== undefined && users !== undefined) return { code, field: 'users', message: 'cannot stand beside user' };
  if (users !== undefined && new Set(users).size < users.length) {
    return { code, field: 'users', message: 'names a user more than once' };
  }
  return undefined;
}

// A number of four characters, 1e20, can become one of 21 when it is written again; nothing grows more than that.
const maxGrowth = 6;

function payloadSizeFault(payload: object, textBytes: number): CodedFault | undefined {
  const field = 'payload';
  if (isNestedDeeper(payload, maxPayloadDepth)) {
    return { code: 'PAYLOAD_INVALID', field, message: `must not be nested deeper than ${maxPayloadDepth} levels` };
  }
  if (textBytes * maxGrowth <= maxPayloadBytes) return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(payload));
  if (bytes <= maxPayloadBytes) return undefined;
  const message = `has ${bytes} bytes of JSON, and at most ${maxPayloadBytes} are allowed`;
  return { code: 'PAYLOAD_TOO_LARGE', field, message };
}

/** Whether `value` has more than `levels` lists and objects inside each other. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  for (const inner of Object.values(value)) if (isNestedDeeper(inner, levels - 1)) return true;
  return false;
}

function codeOf(faults: readonly Fault[]): ProblemCode {
  return faults.every(({ field }) => field === 'topic') ? 'TOPIC_INVALID' : 'NOTIFICATION_INVALID';
}

function refused(code: ProblemCode, faults: readonly Fault[]): ReadEntry {
  return { ok: false, refusal: { code, sentence: sentenceOf(faults), faults } };
}

function misfitting(sentence: string): ReadEntry {
  return { ok: false, refusal: { code: 'PAYLOAD_INVALID', sentence, faults: [] } };
}
