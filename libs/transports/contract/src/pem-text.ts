/** Removes the byte order mark that some editors and shells put before a text. */
export function unmarked(text: string): string {
  return text.replace(/^\ufeff/, '');
}

const marker = /-----(?:BEGIN|END) [A-Z0-9 ]+-----/g;
const markerInOwnLine = /(?<![^\n])-----(?:BEGIN|END) [A-Z0-9 ]+-----(?=\r?\n|$)/g;

/** A PEM block without headers. */
const block = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/g;

/**
 * Returns PEM text without a byte order mark. If OpenSSL could not read the text, restores the line ends of RFC 7468. Text from
 * environment variables and editors may have a backslash and an n, blanks, carriage returns, or nothing in their place.
 */
export function pemText(text: string): string {
  const plain = unmarked(text).replace(/(?:\\r)?\\n/g, '\n');
  const markers = countOf(marker, plain);
  if (countOf(markerInOwnLine, plain) === markers) return plain;
  const blocks = [...plain.matchAll(block)];
  if (blocks.length * 2 !== markers) return plain;
  return blocks.map(([, label = '', content = '']) => written(label, content)).join('');
}

function countOf(pattern: RegExp, text: string): number {
  return text.match(pattern)?.length ?? 0;
}

function written(label: string, content: string): string {
  const lines = content.replace(/\s/g, '').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
