import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { parse } from 'secure-json-parse';
import { RequestError } from './request-error';

/** Largest JSON body, in bytes. A stream of NDJSON has no such bound: each of its lines has one. */
export const maxBodyBytes = 16 * 1024 * 1024;

/** The media type of one JSON value per line, which is read while it comes. */
export const ndjson = 'application/x-ndjson';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route takes bodies of NDJSON. */
    readonly takesNdjson?: boolean;
    /** Whether a body is JSON whatever its Content-Type says. */
    readonly takesJsonUnderAnyName?: boolean;
  }
}

/**
 * Reads one JSON value.
 *
 * @throws SyntaxError also for keys that would reach an object's prototype where somebody copies it carelessly.
 */
export function parseJson(text: string): unknown {
  return parse(text, undefined, { protoAction: 'error', constructorAction: 'error' });
}

/** Sets what bodies a server takes: JSON, and on some routes NDJSON, neither of them compressed. */
export function installBodyParsers(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser<string>(
    'application/json',
    { parseAs: 'string', bodyLimit: maxBodyBytes },
    (_, text, done) => {
      // A DELETE with a Content-Type and no body is nothing to complain about.
      if (text.trim() === '') return done(null, undefined);
      try {
        done(null, parseJson(text));
      } catch {
        done(new RequestError('BODY_MALFORMED', 'The body is not valid JSON.'));
      }
    },
  );
  server.addContentTypeParser(ndjson, (request, payload: Readable, done) => {
    if (request.routeOptions.config.takesNdjson === true) return done(null, payload);
    done(new RequestError('MEDIA_TYPE_UNSUPPORTED', 'Only POST /v1/notifications takes application/x-ndjson.'));
  });
  server.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.config.takesJsonUnderAnyName === true)
      request.headers['content-type'] = 'application/json';
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding === 'identity') return done();
    done(new RequestError('ENCODING_UNSUPPORTED', 'Send the body as it is, without a Content-Encoding.'));
  });
}
