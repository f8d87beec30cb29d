import type { Readable } from 'node:stream';
import { nextTurn, type PnsErrorCode } from '@pns/runtime';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { readJson, type JsonRead } from '../json/read-json';
import { RequestError } from './request-error';

/** Largest JSON body of a route that does not say otherwise, in bytes: twice what a subscription can have. */
export const defaultBodyBytes = 64 * 1024;

/** Deepest nesting of such a body. */
const maxBodyDepth = 64;

/** A larger body waits for a turn of the event loop before it is parsed, so that several do not add up. */
const bytesParsedAtOnce = 16 * 1024;

/** The media type of one JSON value per line, which is read while it comes. */
export const ndjson = 'application/x-ndjson';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route takes bodies of NDJSON. */
    readonly takesNdjson?: boolean;
    /** Whether a body is JSON whatever its Content-Type says. */
    readonly takesJsonUnderAnyName?: boolean;
    /** Largest JSON body, in bytes; absent: `defaultBodyBytes`. */
    readonly maxBodyBytes?: number;
    /** Reads a JSON body, where it may be larger than what can be parsed at once. */
    readonly readBody?: (bytes: Buffer, maxBytes: number) => unknown;
  }
}

/**
 * Sets which bodies a server takes: JSON in UTF-8, and on some routes NDJSON, neither of them compressed. Call it after the
 * authentication is installed: a body is read only of a sender who is known.
 */
export function installBodyParsers(server: FastifyInstance): void {
  server.addHook('onRoute', setBodyLimit);
  server.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, bytes, done) => {
    // A DELETE with a Content-Type and no body is nothing to complain about.
    if (isBlank(bytes)) return done(null, undefined);
    const { readBody = parsed, maxBodyBytes = defaultBodyBytes } = request.routeOptions.config;
    try {
      const body =
        bytes.length > bytesParsedAtOnce && readBody === parsed
          ? nextTurn().then(() => parsed(bytes, maxBodyBytes))
          : readBody(bytes, maxBodyBytes);
      if (!(body instanceof Promise)) return done(null, body);
      body.then((value: unknown) => done(null, value), done);
    } catch (error) {
      done(error as Error);
    }
  });
  server.addContentTypeParser(ndjson, (request, payload: Readable, done) => {
    if (request.routeOptions.config.takesNdjson === true) return done(null, payload);
    done(new RequestError('MEDIA_TYPE_UNSUPPORTED', 'Only POST /v1/notifications takes application/x-ndjson.'));
  });
  server.addHook('onRequest', (request, _reply, done) => {
    const { headers } = request;
    const fault = contentFault(headers['content-encoding'], headers['content-type']);
    if (request.routeOptions.config.takesJsonUnderAnyName === true) headers['content-type'] = 'application/json';
    done(fault);
  });
}

function setBodyLimit(route: RouteOptions): void {
  const { maxBodyBytes } = route.config ?? {};
  if (maxBodyBytes !== undefined) route.bodyLimit = maxBodyBytes;
}

function contentFault(encoding = 'identity', type = ''): RequestError | undefined {
  if (encoding !== 'identity') {
    return new RequestError('ENCODING_UNSUPPORTED', 'Send the body as it is, without a Content-Encoding.');
  }
  const [, charset] = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(type) ?? [];
  if (charset === undefined || /^(utf-?8|us-ascii)$/i.test(charset)) return undefined;
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
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}
