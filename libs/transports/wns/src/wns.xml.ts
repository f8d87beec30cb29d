/**
 * `text` as it may be written between tags and in attributes. Characters that XML 1.0 does not allow, control characters and halves
 * of surrogate pairs, are dropped. White space is escaped so that no parser changes it. Source: https://www.w3.org/TR/xml/, 2.2
 * (characters), 2.11 and 3.3.3 (white space).
 */
export function xmlText(text: string): string {
  return legalXml(text).replace(/[&<>"'\t\n\r]/g, (character) => entities[character] ?? '');
}

/** The characters of `text` that XML 1.0 allows. */
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
