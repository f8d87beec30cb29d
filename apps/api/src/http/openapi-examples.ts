import type { OpenAPIObject } from '@nestjs/swagger';
import { sample } from 'openapi-sampler';

/** Any part of the OpenAPI document that is an object. */
export type Json = Record<string, unknown>;

const uuid = '018f3c1e-7a5b-4c2d-9e8f-0a1b2c3d4e5f';
const time = '2026-11-22T10:31:00.000Z';
const property = 'com.openexchange.pns.delayDuration';
const hook = 'https://crm.example.com/push';

const sessionToken = 'eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoxNH0.c2ln';

const vapidKey = 'BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8';
const browserKey = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';

type Examples = Readonly<Record<string, readonly unknown[]>>;

/** Examples of fields and parameters by name; the first that fits the schema is used. Other fields get a sample of their schema. */
const examples: Examples = {
  action: ['subscribe', 'PUT'],
  applicationServerKey: [vapidKey],
  attempts: [10],
  client: ['crm'],
  code: ['TOPIC_INVALID'],
  contexts: [[1]],
  cursor: ['eyJhZnRlciI6IjE0In0'],
  delivery: ['5fXq2m0aVbR7cK1dPz3YtA'],
  error: ['topic must be words of letters, digits, underscores and dashes, joined by single colons.'],
  event: ['messageNew'],
  expires: [4_102_444_800_000],
  fault: ['keystore must be a PKCS #12 file in base64'],
  file: ['webhooks.yml'],
  folder: ['INBOX'],
  from: ['Jane Doe <jane.doe@example.com>'],
  id: [uuid, '2f1c6b'],
  ids: [[uuid]],
  'Idempotency-Key': ['mail-113'],
  'imap-uid': [113],
  index: [0],
  key: ['pns-8Q2s5v9yXcVbNmAsDfGhJkLqWeRtYuI', uuid],
  limit: [100],
  logins: [['jane.doe']],
  meta: [{ device: 'phone of Jane' }],
  matchedBy: ['ox:mail:*'],
  name: [property],
  nextCursor: ['eyJhZnRlciI6IjE0In0'],
  notification: ['mail-113'],
  options: [{ uri: hook }],
  payload: [{ folder: 'default0/INBOX', id: '113', subject: "Let's meet", unread: 83 }],
  prefix: ['com.openexchange.pns.'],
  primaryEmail: ['john@example.com'],
  providerId: ['0F2A-77C1'],
  rank: [10],
  reason: ['answered 503'],
  requestId: ['b7d9c2'],
  resource: ['/v1/contexts/1/users/14'],
  secrets: [['signatureSecret']],
  sentence: ['It is sent.'],
  session: [sessionToken],
  set: ['premium'],
  since: [time],
  snippet: ['Hello'],
  sourceToken: ['160491815377'],
  subject: ["Let's meet"],
  subscription: [uuid],
  tags: [['premium']],
  text: ['1000'],
  token: [hook],
  topic: ['ox:mail:new'],
  topics: [['ox:mail:*']],
  transport: ['webhook'],
  ttlSeconds: [3600],
  unseen: [83],
  until: [time],
  user: [14, '14@1'],
  users: [[14, 15]],
  value: [1000],
  default: [1000],
  withTags: ['premium & !(trial | internal)'],
};

/** Examples for schemas in which a field name has another meaning. */
const examplesIn: Readonly<Record<string, Examples>> = {
  ApiKeyList: { name: ['producer'] },
  ApiKeyView: { name: ['producer'] },
  ContextBody: { name: ['acme'] },
  ContextList: { name: ['acme'] },
  ContextSetList: { name: ['premium'] },
  ContextSetView: { name: ['premium'] },
  ContextView: { name: ['acme'] },
  CreatedApiKey: { name: ['producer'] },
  IssuedSession: { token: [sessionToken] },
  NewApiKey: { name: ['producer'] },
};

/** Examples of whole bodies, by the name of their schema. */
const bodies: Readonly<Record<string, unknown>> = {
  ClientTransportBody: { uri: hook, signatureSecret: 'a-long-secret' },
  NewSubscription: {
    ...{ context: 1, user: 14, client: 'open-xchange-appsuite', transport: 'webpush', topics: ['ox:mail:*'] },
    pushSubscription: {
      endpoint: 'https://updates.push.services.mozilla.com/wpush/v2/gAAAAABkqWsYTtQ8',
      expirationTime: null,
      keys: { p256dh: browserKey, auth: 'BTBZMqHH6r4Tts7J_aSIgg' },
    },
  },
};

/** Adds an example to each body and parameter that has none. */
export function addExamples(document: OpenAPIObject): void {
  const suggested = withSuggestions(document) as OpenAPIObject;
  for (const content of mediaTypesOf(document)) {
    if (content['example'] !== undefined || content['examples'] !== undefined) continue;
    content['example'] = sample(withSuggestions(content['schema'] ?? {}) as object, { quiet: true }, suggested);
  }
  for (const parameter of parametersOf(document)) {
    const { name, schema = {}, example } = parameter as { name: string; schema?: Json; example?: unknown };
    const fitting = example ?? schema['example'] ?? suggestion(name, schema);
    if (fitting !== undefined) parameter['example'] = fitting;
  }
}

/** The operations of all paths. */
export function operationsOf({ paths }: OpenAPIObject): Json[] {
  return Object.values(paths).flatMap((path) => Object.values(path as Record<string, Json>));
}

function mediaTypesOf(document: OpenAPIObject): Json[] {
  return operationsOf(document).flatMap((operation) => {
    const { requestBody, responses } = operation as { requestBody?: Json; responses: Record<string, Json> };
    const bodies = [...(requestBody === undefined ? [] : [requestBody]), ...Object.values(responses)];
    return bodies.flatMap(({ content }) => Object.values((content ?? {}) as Record<string, Json>));
  });
}

function parametersOf(document: OpenAPIObject): Json[] {
  return operationsOf(document).flatMap(({ parameters }) => (parameters ?? []) as Json[]);
}

/** Copies this part of the document and adds examples to fields with a known name. */
function withSuggestions(part: unknown, own: Examples = {}): unknown {
  if (Array.isArray(part)) return part.map((each) => withSuggestions(each, own));
  if (typeof part !== 'object' || part === null) return part;
  const copy: Json = Object.fromEntries(
    Object.entries(part).map(([key, value]) => [key, withSuggestions(value, examplesIn[key] ?? own)]),
  );
  for (const [name, example] of Object.entries(bodies)) {
    const schema = copy[name] as Json | undefined;
    if (schema?.['type'] === 'object') schema['example'] = example;
  }
  for (const [name, schema] of Object.entries((copy['properties'] ?? {}) as Record<string, Json>)) {
    const fitting = schema['example'] === undefined ? suggestion(name, schema, own) : undefined;
    if (fitting !== undefined) schema['example'] = fitting;
  }
  return copy;
}

function suggestion(name: string, schema: Json, own: Examples = {}): unknown {
  return [...(own[name] ?? examples[name] ?? []), ...generic].find((value) => fits(value, schema));
}

/** Examples for numbers and times, for which the library would show the smallest number and an old time. */
const generic = [1, time];

function fits(value: unknown, schema: Json): boolean {
  const { type, format, pattern, enum: allowed, items, properties = {}, anyOf } = schema;
  if (Array.isArray(anyOf)) return anyOf.some((each: Json) => fits(value, each));
  if (Array.isArray(allowed) && !allowed.includes(value)) return false;
  if ('const' in schema && schema['const'] !== value) return false;
  if (type === 'string') {
    if (typeof value !== 'string' || (format === 'uuid' && value !== uuid)) return false;
    if ((value === time) !== (format === 'date-time')) return false;
    return typeof pattern !== 'string' || new RegExp(pattern, 'u').test(value);
  }
  if (type === 'integer' || type === 'number') return typeof value === 'number';
  if (type === 'array') return Array.isArray(value) && value.every((each) => fits(each, (items ?? {}) as Json));
  if (type === 'object')
    return typeof value === 'object' && !Array.isArray(value) && Object.keys(properties as Json).length === 0;
  return type === undefined;
}
