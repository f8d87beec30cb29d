import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { nextTurn, type PnsErrorCode } from '@pns/runtime';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { readJson, type JsonRead } from '../json/read-json';
import { bodyBytes } from './body-bytes';
import { RequestError } from './request-error';

/** Default limit of a JSON body, in bytes: twice the largest subscription. */
export const defaultBodyBytes = 64 * 1024;

/** Deepest nesting of a JSON body. */
const maxBodyDepth = 64;

/**
 * Largest body, in bytes, that is parsed at once. A larger body is parsed in a later turn of the event loop, because parsing
 * several large bodies in one turn would block the event loop for long.
 */
const bytesParsedAtOnce = 16 * 1024;

/** The media type of one JSON value per line. Such a body is read as a stream. */
export const ndjson = 'application/x-ndjson';

/** The media types of one CloudEvent and of a list of them. */
export const cloudEvent = 'application/cloudevents+json';
export const cloudEventBatch = 'application/cloudevents-batch+json';

/** Any other media type of JSON, for the data of a CloudEvent in binary mode (attributes in headers). */
const otherJson = /^[^/;\s]+\/(?:[^;\s]+\+)?json\s*(?:;|$)/i;

/** A format of CloudEvents that is not supported, such as Avro. */
const otherCloudEvents = /^application\/cloudevents/i;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route accepts NDJSON. */
    readonly takesNdjson?: boolean;
    /** Whether every body is parsed as JSON, with any Content-Type. */
    readonly takesAnyContentType?: boolean;
    /** Largest JSON body, in bytes; absent: `defaultBodyBytes`. */
    readonly maxBodyBytes?: number;
    /** Whether the route accepts CloudEvents and, for their data in binary mode, every media type of JSON. */
    readonly takesCloudEvents?: boolean;
    /** Replaces the JSON parser for bodies that are too large to be parsed at once, or whose format depends on headers. */
    readonly readBody?: (bytes: Buffer, maxBytes: number, headers: IncomingHttpHeaders) => unknown;
  }
}

/**
 * Installs the parsers for JSON in UTF-8 and, on some routes, NDJSON; compressed bodies are refused. Call it after
 * `installAuthentication`, so that only the body of an authenticated sender is read.
 */
export function installBodyParsers(server: FastifyInstance): void {
  server.addHook('onRoute', setBodyLimit);
  const readJsonBody = async (request: FastifyRequest, payload: Readable): Promise<unknown> => {
    const { bodyLimit = defaultBodyBytes, config } = request.routeOptions;
    const bytes = await bodyBytes(payload, Number(request.headers['content-length']), bodyLimit);
    // Some clients send a DELETE with a Content-Type and without a body, so a blank body is no fault here.
    if (isBlank(bytes)) return undefined;
    const { readBody = parsed, maxBodyBytes = defaultBodyBytes } = config;
    if (bytes.length > bytesParsedAtOnce && readBody === parsed) await nextTurn();
    return readBody(bytes, maxBodyBytes, request.headers);
  };
  server.addContentTypeParser('application/json', readJsonBody);
  const readCloudEvents = (request: FastifyRequest, payload: Readable): Promise<unknown> => {
    if (request.routeOptions.config.takesCloudEvents === true) return readJsonBody(request, payload);
    return Promise.reject(new RequestError('MEDIA_TYPE_UNSUPPORTED', jsonOnly));
  };
  server.addContentTypeParser([cloudEvent, cloudEventBatch], readCloudEvents);
  server.addContentTypeParser(otherCloudEvents, (_request, _payload, done) => {
    const sentence = `CloudEvents are accepted as ${cloudEvent}, ${cloudEventBatch} or with their attributes as headers.`;
    done(new RequestError('MEDIA_TYPE_UNSUPPORTED', sentence));
  });
  server.addContentTypeParser(otherJson, (request: FastifyRequest, payload: Readable) => {
    if (Object.keys(request.headers).some((name) => name.startsWith('ce-'))) return readCloudEvents(request, payload);
    return Promise.reject(new RequestError('MEDIA_TYPE_UNSUPPORTED', jsonOnly));
  });
  server.addContentTypeParser(ndjson, (request, payload: Readable, done) => {
    if (request.routeOptions.config.takesNdjson === true) return done(null, payload);
    done(new RequestError('MEDIA_TYPE_UNSUPPORTED', 'Only POST /v1/notifications accepts application/x-ndjson.'));
  });
  server.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request;
    const fault = contentFault(headers['content-encoding'], headers['content-type']);
    if (request.routeOptions.config.takesAnyContentType === true) headers['content-type'] = 'application/json';
    done(fault);
  });
}

/** `ProblemFilter` has the same sentence for a Content-Type without a parser. */
const jsonOnly = 'Send the body as application/json, and say so in Content-Type.';

function setBodyLimit(route: RouteOptions): void {
  const { maxBodyBytes } = route.config ?? {};
  if (maxBodyBytes !== undefined) route.bodyLimit = maxBodyBytes;
}

function contentFault(encoding = 'identity', type = ''): RequestError | undefined {
  if (encoding !== 'identity') {
    return new RequestError('ENCODING_UNSUPPORTED', 'Send the body without a Content-Encoding.');
  }
  if (!type.includes(';')) return undefined; // the usual case; the expression would take 3 µs
  const charsets = [...type.matchAll(/;\s*charset\s*=\s*"?([^\s;"]*)/gi)];
  if (charsets.every(([, charset = '']) => /^(utf-?8|us-ascii)$/i.test(charset))) return undefined;
  return new RequestError('MEDIA_TYPE_UNSUPPORTED', 'Send the body in UTF-8; the Content-Type names another charset.');
}

const codes = {
  malformed: 'BODY_MALFORMED',
  'too deep': 'BODY_INVALID',
  'too large': 'BODY_TOO_LARGE',
  altered: 'BODY_INVALID',
} as const satisfies Readonly<Record<Extract<JsonRead, { ok: false }>['reason'], PnsErrorCode>>;

function parsed(bytes: Buffer, maxBytes: number): unknown {
  const read = readJson(bytes, { bytes: maxBytes, compactBytes: maxBytes, depth: maxBodyDepth }, 'body');
  if (read.ok) return read.value;
  const { reason, sentence, faults } = read;
  throw new RequestError(codes[reason], reason === 'malformed' ? 'The body is not valid JSON.' : sentence, faults);
}

function isBlank(bytes: Buffer): boolean {
  return (
    bytes.length <= defaultBodyBytes &&
    bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d)
  );
}
