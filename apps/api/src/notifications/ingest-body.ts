import type { IncomingHttpHeaders } from 'node:http';
import { nextTurn } from '@pns/runtime';
import { cloudEvent, cloudEventBatch } from '../http/body-parsers';
import { readJson } from '../json/read-json';
import { eventInHeaders } from './cloud-event';
import { hasEventHeaders } from './cloud-event-headers';
import { entryBounds, readPosted, readPostedList, wellFormed, type Posted } from './posted';

/** Largest event, in bytes, that is parsed at once. A larger event is parsed in a later turn of the event loop. */
const bytesParsedAtOnce = 16 * 1024;

/**
 * Reads the body of an ingest request. The Content-Type decides the format; CloudEvents in binary mode have attributes as headers.
 *
 * @throws RequestError when the body is not JSON, or has a fault outside its notifications
 */
export function readIngestBody(
  bytes: Buffer,
  _maxBytes: number,
  headers: IncomingHttpHeaders,
): Posted | Promise<Posted> {
  const type = mediaTypeOf(headers['content-type']);
  if (type === cloudEventBatch) return readEventList(bytes);
  if (type === cloudEvent) return readEvent(bytes, () => readJson(bytes, entryBounds, 'the CloudEvent'));
  if (hasEventHeaders(headers)) return readEvent(bytes, () => eventInHeaders(headers, bytes));
  return readPosted(bytes);
}

/** The media type of a Content-Type, in lower case and without parameters. */
function mediaTypeOf(contentType = ''): string {
  if (contentType === 'application/json') return contentType; // the usual case; the rest would take 2 µs
  const [type = ''] = contentType.toLowerCase().split(';');
  return type.trim();
}

async function readEvent(bytes: Buffer, read: () => ReturnType<typeof readJson>): Promise<Posted> {
  if (bytes.length > bytesParsedAtOnce) await nextTurn();
  return { isBatch: false, entry: wellFormed(read()), areCloudEvents: true };
}

async function readEventList(bytes: Buffer): Promise<Posted> {
  return { ...(await readPostedList(bytes)), areCloudEvents: true };
}
