import type { OpenAPIObject } from '@nestjs/swagger';
import { cloudEvent, cloudEventBatch, ndjson } from './body-parsers';
import { addExamples, operationsOf, type Json } from './openapi-examples';

/** The first sections of the page, in the order in which a new reader needs them; other sections follow. */
const sections = [
  'Notifications',
  'Subscriptions',
  'Sessions',
  'Deliveries',
  'History',
  'Clients',
  'Configuration',
  'Directory',
  'API keys',
  'Audit log',
  'Client API of Open-Xchange',
  'Health',
];

const json = (schema: Json, example: unknown): Json => ({ 'application/json': { schema, example } });

const health: Json = {
  type: 'object',
  properties: {
    status: { type: 'string', enum: ['ok', 'unavailable'] },
    parts: { type: 'object', additionalProperties: { type: 'string' } },
    warnings: { type: 'array', items: { type: 'string' } },
  },
  required: ['status'],
};

/** The operations of the health routes. Their controller has no OpenAPI decorators, because workers use it too. */
const healthOperations: Readonly<Record<string, Json>> = {
  '/health/live': {
    summary: 'Check that the process runs',
    responses: { 200: { description: 'The process runs.', content: json(health, { status: 'ok' }) } },
  },
  '/health/ready': {
    summary: 'Check that Postgres and Redis can be used',
    responses: {
      200: {
        description: 'Every part can be used.',
        content: json(health, { status: 'ok', parts: { postgres: 'ok', redis: 'ok' }, warnings: [] }),
      },
      503: {
        description: 'A part cannot be used, and its text is the reason; or the process is stopping.',
        content: json(health, {
          status: 'unavailable',
          parts: { postgres: 'ok', redis: 'Connection is closed.' },
          warnings: [],
        }),
      },
    },
  },
  '/metrics': {
    summary: 'Read the metrics for Prometheus',
    responses: {
      200: {
        description: 'The metrics of docs/metrics.md.',
        content: {
          'text/plain': {
            schema: { type: 'string' },
            example: 'pns_notifications_total{result="accepted"} 1\n',
          },
        },
      },
    },
  },
};

/** Completes the document that Nest generates from the controllers, in place. */
export function finishDescription(document: OpenAPIObject): OpenAPIObject {
  document.servers = [{ url: '/', description: 'The server that serves this document.' }];
  for (const [path, operation] of Object.entries(healthOperations))
    Object.assign(document.paths[path]?.get ?? {}, operation);
  for (const operation of operationsOf(document)) {
    operation['security'] ??= [];
    operation['operationId'] = String(operation['operationId']).replace(/\[(\d+)\]/, '_$1');
    for (const response of Object.values(operation['responses'] as Record<string, Json>)) {
      response['description'] = withoutRepetition(response['description']) || 'Done.';
    }
  }
  const used = [...new Set(operationsOf(document).flatMap(({ tags }) => (tags ?? []) as string[]))];
  const known = sections.filter((section) => used.includes(section));
  document.tags = [...new Set([...known, ...used])].map((name) => ({ name }));
  withoutRequestDefaults(document);
  describeLines(document);
  describeCloudEvents(document);
  describeCsv(document);
  addExamples(document);
  return document;
}

/** Removes paragraphs that another paragraph contains, because Nest joins the descriptions of all decorators of one status. */
function withoutRepetition(description: unknown): string {
  const paragraphs = typeof description === 'string' ? [...new Set(description.split('\n\n'))] : [];
  return paragraphs.filter((one) => !paragraphs.some((other) => other !== one && other.includes(one))).join('\n\n');
}

/** Describes an NDJSON body as text with one notification per line. */
function describeLines(document: OpenAPIObject): void {
  const line = { context: 1, user: 14, topic: 'ox:mail:new', payload: { folder: 'default0/INBOX', id: '113' } };
  const lines = [line, { ...line, user: 15 }].map((each) => `${JSON.stringify(each)}\n`).join('');
  for (const { requestBody } of operationsOf(document)) {
    const { content = {} } = (requestBody ?? {}) as { readonly content?: Record<string, Json> };
    const description = 'One notification per line.';
    if (ndjson in content) content[ndjson] = { schema: { type: 'string', description }, example: lines };
  }
}

/** Describes the bodies of one CloudEvent and of a list, because Nest gives all bodies of a route the same schema. */
function describeCloudEvents(document: OpenAPIObject): void {
  const schema: Json = { $ref: '#/components/schemas/CloudEvent' };
  for (const { requestBody } of operationsOf(document)) {
    const { content = {} } = (requestBody ?? {}) as { readonly content?: Record<string, Json> };
    if (cloudEvent in content) content[cloudEvent] = { schema };
    if (cloudEventBatch in content)
      content[cloudEventBatch] = { schema: { type: 'array', items: schema, maxItems: 1000 } };
  }
}

/** Describes an answer in CSV as text with a header. */
function describeCsv(document: OpenAPIObject): void {
  const example = 'id,context,user,topic,received\r\nmail-113,1,14,ox:mail:new,2026-11-22T10:31:00.000Z\r\n';
  for (const { responses } of operationsOf(document)) {
    for (const { content = {} } of Object.values(responses as Record<string, { content?: Record<string, Json> }>)) {
      const description = 'One row for each item, below the names of the columns.';
      if ('text/csv' in content) content['text/csv'] = { schema: { type: 'string', description }, example };
    }
  }
}

/**
 * Moves the defaults of request fields into their descriptions, because client generators make a field with a `default`
 * mandatory.
 */
function withoutRequestDefaults(document: OpenAPIObject): void {
  const { schemas = {} } = document.components ?? {};
  const seen = new Set<unknown>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null || seen.has(part)) return;
    seen.add(part);
    const schema = part as Json;
    if (typeof schema['$ref'] === 'string') visit(schemas[schema['$ref'].split('/').at(-1) ?? '']);
    for (const field of Object.values((schema['properties'] ?? {}) as Record<string, Json>)) {
      if (!('default' in field)) continue;
      const sentence = `Default: ${JSON.stringify(field['default'])}.`;
      const { description } = field;
      field['description'] = typeof description === 'string' ? `${description} ${sentence}` : sentence;
      delete field['default'];
    }
    Object.values(schema).forEach(visit);
  };
  for (const { requestBody } of operationsOf(document)) visit(requestBody);
}
