/**
 * `text` as it may stand between tags and in attributes. What XML 1.0 cannot hold at all, control characters and halves
 * of surrogate pairs, is dropped; white space is written so that no parser changes it.
 * Source: https://www.w3.org/TR/xml/, 2.2 (characters), 2.11 and 3.3.3 (white space).
 */
export function xmlText(text: string): string {
  return legalXml(text).replace(/[&<>"'\t\n\r]/g, (character) => entities[character] ?? '');
}

/** Those characters of `text` that XML 1.0 can hold. */
export function legalXml(text: string): string {
  return text.replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};
