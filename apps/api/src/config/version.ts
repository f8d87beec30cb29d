import type { Expected } from '@pns/persistence';
import type { FastifyReply } from 'fastify';
import { RequestError } from '../http/request-error';

/** Sets the ETag of the answer, for the `If-Match` of a later write. */
export function setEtag(reply: FastifyReply, version: string): void {
  reply.header('etag', `"${version}"`);
}

/** An entity tag of RFC 9110, 8.8.3. */
const entityTag = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;
const listOfEntityTags = /^[ \t,]*(?:(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"[ \t]*(?:,[ \t,]*|$))+$/;

/** The entity tags that PNS generates. */
const versionSyntax = /^\d{1,18}$/;

/**
 * The state that a write expects: `If-Match` names versions of earlier answers, or `*` for any version; `If-None-Match: *`
 * expects that the resource is absent. Undefined without these headers. Tags are compared strongly (RFC 9110, 13.1.1): a weak
 * tag never matches.
 *
 * @throws RequestError `VERSION_CHANGED` for any other value of these headers.
 */
export function expectedBy(ifMatch: string | undefined, ifNoneMatch?: string): Expected | undefined {
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*' && ifMatch === undefined) return 'absent';
    throw failed('If-None-Match can only be *, which creates the resource, and cannot be combined with If-Match.');
  }
  if (ifMatch === undefined) return undefined;
  if (ifMatch.trim() === '*') return 'present';
  if (!listOfEntityTags.test(ifMatch)) {
    throw failed('If-Match must be *, or the ETags of earlier answers with their quotes, separated by commas.');
  }
  const tags = [...ifMatch.matchAll(entityTag)].map(([, weak, tag = '']) => ({ tag, isWeak: weak !== undefined }));
  const versions = tags.filter(({ tag, isWeak }) => !isWeak && versionSyntax.test(tag)).map(({ tag }) => tag);
  if (versions.length > 0) return { versions };
  throw failed(
    tags.some(({ isWeak }) => isWeak)
      ? 'If-Match names weak ETags only, which never match (RFC 9110, 13.1.1). A proxy that compresses answers may have made the ETag weak: send it without W/.'
      : 'If-Match contains no ETag of PNS: these are whole numbers in quotes. A proxy may have changed it; send the ETag as PNS answered it.',
  );
}

function failed(sentence: string): RequestError {
  return new RequestError('VERSION_CHANGED', sentence);
}
