import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Notification } from '@pns/notifications';
import { payloadFault } from '@pns/payloads';
import type { UserKey } from '@pns/subscriptions';
import type { TraceContext } from '@pns/transport-contract';
import { check, sentenceOf } from '../http/faults';
import { readJson, type JsonRead } from '../json/read-json';
import { addresseeIn } from './addressee';
import { eventAttributes } from './cloud-event-headers';
import { cloudEventSchema, topicOf, type CloudEvent } from './cloud-event.schema';
import { payloadSizeFault, posterOf, refused, refusedPayload, refusedText, type ReadEntry } from './entry';
import { entryBounds, maxPayloadDepth } from './posted';

/** Reads one CloudEvent of a request, as an `EntryReader`. */
export function readCloudEvent(posted: JsonRead, now: number, trace?: TraceContext): ReadEntry {
  if (!posted.ok) return refusedText(posted, 'data');
  const checked = check(cloudEventSchema, withoutUnset(posted.value), 'the CloudEvent');
  if (!checked.ok) {
    const { faults } = checked;
    return refused(faults.every(({ field }) => field === 'type') ? 'TOPIC_INVALID' : 'NOTIFICATION_INVALID', faults);
  }
  const event = checked.value;
  const data = dataOf(event, posted.compactBytes);
  if ('refusal' in data) return data;
  const tooLarge = payloadSizeFault(data.payload, data.bytes, 'data');
  if (tooLarge !== undefined) return refused(tooLarge.code, [tooLarge]);
  const misfit = payloadFault(topicOf(event.type), data.payload, 'data');
  if (misfit !== undefined) return refusedPayload(misfit);
  const { traceparent, tracestate } = event;
  const postedBy = posterOf({ traceparent, tracestate }, trace);
  const notification = { ...notificationOf(event, data.payload, now), ...(postedBy !== undefined && { postedBy }) };
  return { ok: true, notifications: [notification], hasUsers: false, bytes: data.bytes };
}

/** Removes attributes that are null, which means in JSON that they have no value. For `data`, null is a value. */
function withoutUnset(event: unknown): unknown {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return event;
  return Object.fromEntries(Object.entries(event).filter(([name, value]) => value !== null || name === 'data'));
}

function notificationOf(event: CloudEvent, payload: Notification['payload'], now: number): Notification {
  const { id, source, type, subject } = event;
  return {
    id,
    ...(addresseeIn(subject) as UserKey), // the schema has checked the subject
    topic: topicOf(type),
    payload,
    priority: 'high',
    timestamp: now,
    // An id is unique for its source only. Neither a source nor an id contains a space. So a key identifies one source and id,
    // and differs from the ids of notifications that are not CloudEvents.
    idempotencyKey: `${source} ${id}`,
    producer: producerOf(source),
  };
}

/** The producer of all CloudEvents with this source. */
export function producerOf(source: string): string {
  return hash('sha256', source, 'base64url').slice(0, 22);
}

type Data =
  { readonly payload: Readonly<Record<string, unknown>>; readonly bytes: number } | Extract<ReadEntry, { ok: false }>;

function dataOf({ data, data_base64 }: CloudEvent, bytes: number): Data {
  if (data_base64 === undefined) return { payload: data as Record<string, unknown>, bytes };
  const read = readMember('data_base64', Buffer.from(data_base64, 'base64'));
  if (!read.ok) return refusedPayload(read.sentence, read.faults);
  const { value } = read;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return { payload: value as Record<string, unknown>, bytes: read.compactBytes };
  }
  return refused('NOTIFICATION_INVALID', [{ field: 'data_base64', message: 'must be the text of a JSON object' }]);
}

/** Reads the JSON text of one member of an event. The faults name the member too. */
function readMember(name: string, text: Buffer): JsonRead {
  const read = readJson(text, dataBounds, name);
  if (read.ok || read.faults.length === 0) return read;
  const faults = read.faults.map(({ field, message }) => ({
    field: field === name ? field : `${name}.${field}`,
    message,
  }));
  return { ...read, sentence: sentenceOf(faults), faults };
}

const dataBounds = { ...entryBounds, depth: maxPayloadDepth };

/** Reads a CloudEvent whose attributes are headers and whose data is the body. `bytes` is undefined if there is no body. */
export function eventInHeaders(headers: IncomingHttpHeaders, bytes: Buffer | undefined): JsonRead {
  const read = eventAttributes(headers);
  if (!read.ok) return { ok: false, reason: 'altered', sentence: sentenceOf(read.faults), faults: read.faults };
  if (bytes === undefined) return { ok: true, value: read.attributes, compactBytes: 0, depth: 1 };
  const data = readMember('data', bytes);
  if (!data.ok) return data;
  return { ...data, value: { ...read.attributes, data: data.value } };
}
