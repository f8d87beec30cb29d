import type { FastifyReply } from 'fastify';
import { RequestError } from '../http/request-error';

/** Names the version of what is answered, for the `If-Match` of a later write. */
export function tellVersion(reply: FastifyReply, version: string): void {
  reply.header('etag', `"${version}"`);
}

/**
 * The version that `If-Match` asks for; undefined when the header is absent or `*`.
 *
 * @throws RequestError for anything but one `ETag` of ours.
 */
export function wantedVersion(ifMatch: string | undefined): string | undefined {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined;
  const [, version] = /^\s*"(\d{1,18})"\s*$/.exec(ifMatch) ?? [];
  if (version !== undefined) return version;
  throw new RequestError('VERSION_CHANGED', 'If-Match must be the ETag of an earlier answer, with its quotes.');
}
