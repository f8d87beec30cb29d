import { cutText, ellipsis } from '@pns/payloads';
import { nextTurn, Slices } from '@pns/runtime';
import { RequestError } from '../http/request-error';
import { JsonScan, type Span } from '../json/json-scan';
import { readJson, readScanned, withoutByteOrderMark, type JsonBounds, type JsonRead } from '../json/read-json';
import { maxEntriesPerBatch } from './notification.schema';

/** The body of an ingest request: one notification, or a batch. */
export type Posted = (
  | { readonly isBatch: false; readonly entry: JsonRead }
  | { readonly isBatch: true; readonly entries: Iterable<JsonRead> }
) & {
  /** Whether the notifications are CloudEvents. */
  readonly areCloudEvents?: true;
};

/** A body that is always a batch: the list of the JSON Batch Format of CloudEvents. */
type PostedBatch = Extract<Posted, { isBatch: true }>;

/**
 * Largest JSON body of several notifications, in bytes. A stream of NDJSON has no such limit, but each of its lines has a limit.
 */
export const maxPostedBytes = 16 * 1024 * 1024;

/** Deepest nesting of a payload. */
export const maxPayloadDepth = 64;

/** Largest compact size of an entry: enough for the largest payload and the other fields, which have at most 30 KiB. */
const maxEntryCompactBytes = 96 * 1024;

/** The limits of one notification as text. `bytes` is high, because every character of its payload may be an escape sequence. */
export const entryBounds: JsonBounds = {
  bytes: 512 * 1024,
  compactBytes: maxEntryCompactBytes,
  depth: maxPayloadDepth + 1,
};

/**
 * A body within these limits is parsed at once. A batch adds three levels around its payloads; a list without an object, two
 * levels.
 */
const wholeBounds: JsonBounds = { bytes: 128 * 1024, compactBytes: 128 * 1024, depth: maxPayloadDepth + 3 };
const wholeListBounds: JsonBounds = { ...wholeBounds, depth: maxPayloadDepth + 2 };

/** Bytes that are scanned before other requests are served. */
const scanStepBytes = 64 * 1024;

const listName = 'notifications';
const wholeName = 'the notification';

/**
 * Reads the body of a request. The entries of a large body are parsed one by one, so that other requests are served meanwhile.
 * The entries of a body with a fault are parsed one by one too, so that only the faulty entry is refused.
 *
 * @throws RequestError when the body is not JSON, or has a fault outside its notifications
 */
export function readPosted(text: Buffer): Posted | Promise<Posted> {
  return readBatchOf(listName, text, postedOf);
}

/**
 * Like `readPosted`, for a body that is a list without an object around it. The list may be empty.
 *
 * @throws RequestError when the body is not a list, or has a fault outside its entries
 */
export function readPostedList(text: Buffer): PostedBatch | Promise<PostedBatch> {
  return readBatchOf(null, text, postedListOf);
}

type PostedOf<Body> = (read: JsonRead, spans?: readonly Span[]) => Body;

function readBatchOf<Body extends Posted>(
  list: string | null,
  text: Buffer,
  bodyOf: PostedOf<Body>,
): Body | Promise<Body | PostedBatch> {
  const bytes = withoutByteOrderMark(text);
  if (bytes.length <= wholeBounds.bytes) {
    const scan = new JsonScan(bytes, list, maxEntriesPerBatch).run();
    const read = readScanned(bytes, scan, list === null ? wholeListBounds : wholeBounds, wholeName);
    if (read.ok) return bodyOf(read, scan.spans);
    if (read.reason === 'malformed') throw malformed();
  }
  return readPiecewise(list, bytes, bodyOf);
}

async function readPiecewise<Body extends Posted>(
  list: string | null,
  bytes: Buffer,
  bodyOf: PostedOf<Body>,
): Promise<Body | PostedBatch> {
  await nextTurn();
  const slices = new Slices();
  const scan = new JsonScan(bytes, list, maxEntriesPerBatch);
  for (let until = scanStepBytes; !scan.isDone; until += scanStepBytes) {
    scan.run(until);
    await slices.pause();
  }
  if (!scan.hasList) return bodyOf(wellFormed(readJson(bytes, entryBounds, wholeName)));
  if (scan.spanCount > maxEntriesPerBatch) throw tooManyEntries(scan.spanCount);
  const frame = readJson(frameOf(bytes, scan.spans), wholeBounds, 'body');
  if (!frame.ok) throw refusedFrame(frame);
  if (list !== null) entriesOf(frame.value as object);
  const texts: EntryText[] = [];
  for (const { start, end } of scan.spans) {
    const text = bytes.subarray(start, end);
    const read = wellFormed(readJson(text, entryBounds, wholeName));
    texts.push({ text, read: read.ok ? { ...read, value: undefined } : read });
    await slices.pause();
  }
  return { isBatch: true, entries: parsedAgain(texts) };
}

/** The text of an entry, and the result of reading this text, without the value. */
interface EntryText {
  readonly text: Buffer;
  readonly read: JsonRead;
}

/**
 * Parses each entry a second time, when it is needed. The first pass checks that the body is JSON; it keeps no values, because
 * all values together can take fifty times the memory of the body.
 */
function* parsedAgain(texts: readonly EntryText[]): Generator<JsonRead> {
  for (const { text, read } of texts) yield read.ok ? { ...read, value: JSON.parse(text.toString()) as unknown } : read;
}

/** The body with a number in place of each entry. The body is valid JSON exactly if this frame and each entry are valid JSON. */
function frameOf(bytes: Buffer, spans: readonly Span[]): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end } of spans) {
    parts.push(bytes.subarray(at, start), zero);
    at = end;
  }
  return Buffer.concat([...parts, bytes.subarray(at)]);
}

const zero = Buffer.from('0');

function postedOf(read: JsonRead, spans: readonly Span[] = []): Posted {
  if (!read.ok) return { isBatch: false, entry: read };
  const { value, depth } = read;
  if (typeof value === 'object' && value !== null && listName in value) {
    return { isBatch: true, entries: entriesRead(entriesOf(value), read, spans) };
  }
  if (depth <= entryBounds.depth) return { isBatch: false, entry: read };
  const sentence = `${wholeName} must not be nested deeper than ${entryBounds.depth} levels.`;
  return { isBatch: false, entry: { ok: false, reason: 'too deep', sentence, faults: [] } };
}

function postedListOf(read: JsonRead, spans: readonly Span[] = []): PostedBatch {
  if (!read.ok || !Array.isArray(read.value)) throw new RequestError('BODY_INVALID', 'The body must be a list.');
  const list = read.value as unknown[];
  if (list.length > maxEntriesPerBatch) throw tooManyEntries(list.length);
  return { isBatch: true, entries: entriesRead(list, read, spans) };
}

/** The result of reading each entry, with the entry's own size. */
function entriesRead(
  entries: readonly unknown[],
  { compactBytes, depth }: Extract<JsonRead, { ok: true }>,
  spans: readonly Span[],
): JsonRead[] {
  return entries.map((value, at) => {
    const span = spans[at];
    return { ok: true, value, compactBytes: span === undefined ? compactBytes : span.end - span.start, depth };
  });
}

function entriesOf(body: object): readonly unknown[] {
  const { notifications, ...others } = body as { notifications?: unknown };
  const [other] = Object.keys(others);
  if (other !== undefined) {
    const name = cutText(other, 100, { ending: ellipsis });
    throw new RequestError('BODY_INVALID', `${name} cannot be combined with notifications.`);
  }
  if (!Array.isArray(notifications)) throw new RequestError('BODY_INVALID', 'notifications must be a list.');
  if (notifications.length === 0) throw new RequestError('BODY_INVALID', 'notifications must not be empty.');
  if (notifications.length > maxEntriesPerBatch) throw tooManyEntries(notifications.length);
  return notifications as unknown[];
}

function tooManyEntries(count: number): RequestError {
  const sentence = `notifications has ${count} entries, and at most ${maxEntriesPerBatch} are allowed; send several requests or application/x-ndjson.`;
  return new RequestError('BATCH_TOO_LARGE', sentence);
}

/** Returns `read`. @throws RequestError `BODY_MALFORMED` when `read` is not JSON, because then the body is not JSON. */
export function wellFormed(read: JsonRead): JsonRead {
  if (!read.ok && read.reason === 'malformed') throw malformed();
  return read;
}

function malformed(): RequestError {
  return new RequestError('BODY_MALFORMED', 'The body is not valid JSON.');
}

function refusedFrame({ reason, sentence, faults }: Extract<JsonRead, { ok: false }>): RequestError {
  if (reason === 'malformed') return malformed();
  if (reason === 'altered') return new RequestError('BODY_INVALID', sentence, faults);
  return new RequestError('BODY_TOO_LARGE', 'The body is too large outside its notifications.');
}
