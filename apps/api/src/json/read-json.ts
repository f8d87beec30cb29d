import { isUtf8 } from 'node:buffer';
import { sentenceOf, type Fault } from '../http/faults';
import { alterationsIn } from './alterations';
import { JsonScan } from './json-scan';

/** The limits of a JSON text. */
export interface JsonBounds {
  readonly bytes: number;
  /** See `JsonScan.compactBytes`. */
  readonly compactBytes: number;
  /** Nesting of lists and objects. */
  readonly depth: number;
}

/** A value that can be sent unchanged, or the reason why the text was refused. */
export type JsonRead =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** See `JsonBounds`. */
      readonly compactBytes: number;
      readonly depth: number;
    }
  | {
      readonly ok: false;
      readonly reason: 'malformed' | 'too deep' | 'too large' | 'altered';
      readonly sentence: string;
      readonly faults: readonly Fault[];
    };

/**
 * Reads one JSON text. `JSON.parse` takes some milliseconds at most for any text within the bounds; other texts are refused
 * before it runs.
 */
export function readJson(text: Buffer, bounds: JsonBounds, whole: string): JsonRead {
  if (text.length > bounds.bytes) return refused('too large', `${whole} has more than ${bounds.bytes} bytes.`);
  const bytes = withoutByteOrderMark(text);
  return readScanned(bytes, new JsonScan(bytes).run(), bounds, whole);
}

/** Like `readJson`, for a text that is already scanned. */
export function readScanned(bytes: Buffer, scan: JsonScan, bounds: JsonBounds, whole: string): JsonRead {
  const { compactBytes, depth } = scan;
  if (depth > bounds.depth) {
    return refused('too deep', `${whole} must not be nested deeper than ${bounds.depth} levels.`);
  }
  if (compactBytes > bounds.compactBytes) {
    return refused('too large', `${whole} has ${compactBytes} bytes, and at most ${bounds.compactBytes} are allowed.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    if (isUtf8(bytes) && !bytes.includes(0)) return refused('malformed', `${whole} is not valid JSON.`);
    const message = 'is not UTF-8';
    return { ok: false, reason: 'altered', sentence: `${whole} ${message}.`, faults: [{ field: whole, message }] };
  }
  if (isUtf8(bytes) && !scan.isAltered && membersOf(value) === scan.members)
    return { ok: true, value, compactBytes, depth };
  const faults = alterationsIn(bytes, whole);
  if (faults.length === 0) return { ok: true, value, compactBytes, depth };
  return { ok: false, reason: 'altered', sentence: sentenceOf(faults), faults };
}

/**
 * The number of members of all objects in `value`: lower than the number in the text if a name occurs twice, and NaN if a member
 * has the name `__proto__`.
 */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const each of value) count += membersOf(each);
    return count;
  }
  for (const name in value) {
    if (name === '__proto__') return NaN;
    count += 1 + membersOf((value as Record<string, unknown>)[name]);
  }
  return count;
}

/** Removes the UTF-8 byte order mark, which some editors write. */
export function withoutByteOrderMark(text: Buffer): Buffer {
  return text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf ? text.subarray(3) : text;
}

function refused(reason: 'malformed' | 'too deep' | 'too large', sentence: string): JsonRead {
  return { ok: false, reason, sentence, faults: [] };
}
