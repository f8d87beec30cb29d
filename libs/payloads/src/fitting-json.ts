import { jsonBytes, utf8Bytes } from './cut-text';

/** Whether a text has at most `maxBytes` in UTF-8. */
export function isWithinBytes(text: string, maxBytes: number): boolean {
  // Every UTF-16 unit takes one to three bytes, so most texts need not be counted.
  return text.length * 3 <= maxBytes || utf8Bytes(text) <= maxBytes;
}

/**
 * The fields whose JSON fits into `maxBytes` together, in their order. A field that is too large does not exclude later
 * ones.
 */
export function fieldsThatFit<Value>(fields: readonly [string, Value][], maxBytes: number): [string, Value][] {
  let left = maxBytes;
  return fields.filter(([key, value]) => {
    // 4: quotes, colon and comma of the field; 2: the brackets of the list, because undefined has JSON only in a list.
    const bytes = jsonBytes(key) + 4 + utf8Bytes(JSON.stringify([value])) - 2;
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
}
