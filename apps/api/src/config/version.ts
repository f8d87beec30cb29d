import type { Expected } from '@pns/persistence';
import type { FastifyReply } from 'fastify';
import { RequestError } from '../http/request-error';

/** Names the version of what is answered, for the `If-Match` of a later write. */
export function tellVersion(reply: FastifyReply, version: string): void {
  reply.header('etag', `"${version}"`);
}

/**
 * What a write expects to find: `If-Match` names the version of an earlier answer, or `*` for any at all, and
 * `If-None-Match: *` expects nothing. Undefined when it does not matter.
 *
 * @throws RequestError for anything else.
 */
export function expectedBy(ifMatch: string | undefined, ifNoneMatch?: string): Expected | undefined {
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*' && ifMatch === undefined) return 'absent';
    const sentence = 'If-None-Match can only be *, for what is to be created, and never stands beside If-Match.';
    throw new RequestError('VERSION_CHANGED', sentence);
  }
  if (ifMatch === undefined) return undefined;
  if (ifMatch.trim() === '*') return 'present';
  const [, version] = /^\s*"(\d{1,18})"\s*$/.exec(ifMatch) ?? [];
  if (version !== undefined) return { version };
  throw new RequestError('VERSION_CHANGED', 'If-Match must be * or the ETag of an earlier answer, with its quotes.');
}
