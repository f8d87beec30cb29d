import type { TestRequest } from '../../testing/test-api';
import { at, ingest, type BadRequest } from './bad-request';

/** A valid CloudEvent. */
export const event = {
  specversion: '1.0',
  type: 'ox:mail:new',
  source: '/mail/backend-1',
  id: 'A234-1234-1234',
  subject: '14@1',
  time: '2026-11-29T17:31:00Z',
  datacontenttype: 'application/json',
  data: { folder: 'default0/INBOX' },
};

export const structured = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
export const batched = { 'content-type': 'application/cloudevents-batch+json' };

/** The valid event with changed attributes, in structured mode. */
function changed(changes: object): TestRequest {
  return { body: { ...event, ...changes }, headers: structured };
}

/** The attributes of the valid event as headers. */
export const binary: Readonly<Record<string, string>> = {
  'ce-specversion': '1.0',
  'ce-type': 'ox:mail:new',
  'ce-source': '/mail/backend-1',
  'ce-id': 'A234-1234-1234',
  'ce-subject': '14@1',
};

/** The valid event in binary mode with changed headers; undefined removes a header. */
function inHeaders(changes: Readonly<Record<string, string | undefined>>, body: unknown = event.data): TestRequest {
  const all = Object.entries({ ...binary, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { body, headers: Object.fromEntries(all) };
}

const ofEvent = [422, 'NOTIFICATION_INVALID'] as const;

export const badCloudEvents: readonly BadRequest[] = [
  ...at('POST', ingest, [
    ['an event without a version', changed({ specversion: undefined }), ...ofEvent, 'specversion is missing'],
    ['an event of version 0.3', changed({ specversion: '0.3' }), ...ofEvent, 'specversion must be the text 1.0'],
    ['a version that is a number', changed({ specversion: 1.0 }), ...ofEvent, 'specversion must be the text 1.0'],
    ['an event without a type', changed({ type: undefined }), 422, 'TOPIC_INVALID', 'type is missing'],
    ['a type with a slash', changed({ type: 'com/example' }), 422, 'TOPIC_INVALID', 'type must be words'],
    ['a type with two dots in a row', changed({ type: 'com..example' }), 422, 'TOPIC_INVALID', 'type must be words'],
    ['an event without a source', changed({ source: null }), ...ofEvent, 'source is missing'],
    ['an empty source', changed({ source: '' }), ...ofEvent, 'source must not be empty'],
    ['a source with a space', changed({ source: '/my context' }), ...ofEvent, 'source must be a URI'],
    ['an event without an id', changed({ id: undefined }), ...ofEvent, 'id is missing'],
    ['an empty id', changed({ id: '' }), ...ofEvent, 'id must be 1 to 255 printable'],
    ['an id that is a number', changed({ id: 5 }), ...ofEvent, 'id must be a string'],
    ['an event without a subject', changed({ subject: undefined }), ...ofEvent, 'subject is missing'],
    ['a subject without a context', changed({ subject: '14' }), ...ofEvent, 'subject must name the user as'],
    ['a subject of user 0', changed({ subject: '0@1' }), ...ofEvent, 'subject must name the user as'],
    ['too great a context', changed({ subject: '14@2147483648' }), ...ofEvent, 'subject must name the user as'],
    ['a time that is none', changed({ time: 'yesterday' }), ...ofEvent, 'time must be a time of RFC 3339'],
    ['a relative dataschema', changed({ dataschema: '/schema' }), ...ofEvent, 'dataschema must be an absolute URI'],
    [
      'data of XML',
      changed({ datacontenttype: 'application/xml', data: '<mail/>' }),
      ...ofEvent,
      'a media type of JSON',
    ],
    ['data that is text', changed({ data: 'just a string' }), ...ofEvent, 'data must be a JSON object'],
    ['data that is null', changed({ data: null }), ...ofEvent, 'data must be a JSON object'],
    ['no data', changed({ data: undefined }), ...ofEvent, 'data is missing'],
    ['data twice', changed({ data_base64: 'e30=' }), ...ofEvent, 'data cannot be combined with data_base64'],
    ['broken base64', changed({ data: undefined, data_base64: 'e3x*' }), ...ofEvent, 'data_base64 must be base64'],
    [
      'binary data that is not JSON',
      changed({ data: undefined, data_base64: 'aGVsbG8=' }),
      422,
      'PAYLOAD_INVALID',
      'data_base64 is not valid JSON',
    ],
    [
      'binary data that is a list',
      changed({ data: undefined, data_base64: 'W10=' }),
      ...ofEvent,
      'data_base64 must be the text of a JSON object',
    ],
    [
      'an attribute in camel case',
      changed({ dataContentType: 'application/json' }),
      ...ofEvent,
      'dataContentType is not the name',
    ],
    ['an extension that is an object', changed({ myextension: {} }), ...ofEvent, 'myextension must be text'],
    [
      'data without a field of its topic',
      changed({ data: {} }),
      422,
      'PAYLOAD_INVALID',
      'data.folder does not match topic ox:mail:new',
    ],
    [
      'too large data',
      changed({ type: 'x', data: { text: 'x'.repeat(64 * 1024) } }),
      413,
      'PAYLOAD_TOO_LARGE',
      'data has',
    ],
    [
      'an inexact number in data',
      { body: JSON.stringify(event).replace('"default0/INBOX"', '12345678901234567890'), headers: structured },
      422,
      'PAYLOAD_INVALID',
      'data.folder is a number that',
    ],
    [
      'an attribute twice',
      { body: JSON.stringify(event).replace('{', '{"id":"1",'), headers: structured },
      ...ofEvent,
      'id occurs twice',
    ],
    [
      'a list in structured mode',
      { body: [event], headers: structured },
      ...ofEvent,
      'the CloudEvent must be a JSON object',
    ],
    ['a broken event', { body: '{"specversion":', headers: structured }, 400, 'BODY_MALFORMED', 'not valid JSON'],
    ['an empty body of an event', { body: '', headers: structured }, 400, 'BODY_MISSING', 'Send a notification'],
    [
      'an event in Avro',
      { body: 'x', headers: { 'content-type': 'application/cloudevents+avro' } },
      415,
      'MEDIA_TYPE_UNSUPPORTED',
      'CloudEvents are accepted as',
    ],
    [
      'an event in another charset',
      { body: event, headers: { 'content-type': 'application/cloudevents+json; charset=utf-16' } },
      415,
      'MEDIA_TYPE_UNSUPPORTED',
      'in UTF-8',
    ],
    [
      'an event with Idempotency-Key',
      { body: event, headers: { ...structured, 'idempotency-key': 'a' } },
      400,
      'IDEMPOTENCY_KEY_INVALID',
      'Remove Idempotency-Key',
    ],

    ['a batch that is an event', { body: event, headers: batched }, 422, 'BODY_INVALID', 'The body must be a list'],
    [
      'a batch of one bad event',
      { body: [{ ...event, subject: 'x' }], headers: batched },
      422,
      'NOTIFICATIONS_INVALID',
      'No entry is valid',
    ],
    ['a batch with a tail', { body: '[],"x":[]', headers: batched }, 400, 'BODY_MALFORMED', 'not valid JSON'],
    [
      'too many events',
      { body: Array.from({ length: 1001 }, () => event), headers: batched },
      413,
      'BATCH_TOO_LARGE',
      'has 1001 entries',
    ],

    ['headers without a version', inHeaders({ 'ce-specversion': undefined }), ...ofEvent, 'specversion is missing'],
    ['headers without an id', inHeaders({ 'ce-id': undefined }), ...ofEvent, 'id is missing'],
    ['headers without a subject', inHeaders({ 'ce-subject': undefined }), ...ofEvent, 'subject is missing'],
    [
      'an overlong encoding',
      inHeaders({ 'ce-id': 'a%C0%A0' }),
      ...ofEvent,
      'ce-id must be printable ASCII; percent-encode',
    ],
    [
      'half a percent-encoding',
      inHeaders({ 'ce-id': 'a%4' }),
      ...ofEvent,
      'ce-id must be printable ASCII; percent-encode',
    ],
    ['Latin-1 in a header', inHeaders({ 'ce-tag': 'é' }), ...ofEvent, 'ce-tag must be printable ASCII; percent-encode'],
    [
      'a type of data as header',
      inHeaders({ 'ce-datacontenttype': 'application/json' }),
      ...ofEvent,
      'ce-datacontenttype must not be a header',
    ],
    ['data as header', inHeaders({ 'ce-data': '{}' }), ...ofEvent, 'ce-data must not be a header'],
    ['a header with a dash', inHeaders({ 'ce-my-name': 'x' }), ...ofEvent, 'my-name is not the name of an attribute'],
    [
      'headers and data of text',
      inHeaders({ 'content-type': 'text/plain' }, 'hello'),
      415,
      'MEDIA_TYPE_UNSUPPORTED',
      'application/json',
    ],
    [
      'headers and lines',
      inHeaders({ 'content-type': 'application/x-ndjson' }, '{}'),
      415,
      'MEDIA_TYPE_UNSUPPORTED',
      'must be JSON',
    ],
    ['headers and broken data', inHeaders({}, '{"a":'), 400, 'BODY_MALFORMED', 'not valid JSON'],
    ['headers and a list', inHeaders({}, []), ...ofEvent, 'data must be a JSON object'],
    ['headers and no body', { headers: binary }, ...ofEvent, 'data is missing'],
  ]),
  ...at('POST', ingest, [
    [
      'another type of JSON without headers',
      { body: event.data, headers: { 'content-type': 'application/vnd.mail+json' } },
      415,
      'MEDIA_TYPE_UNSUPPORTED',
      'application/json',
    ],
  ]),
  ...at('POST', '/v1/sessions', [
    [
      'an event at another route',
      { body: event, headers: structured },
      415,
      'MEDIA_TYPE_UNSUPPORTED',
      'application/json',
    ],
  ]),
];
