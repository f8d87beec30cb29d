/**
 * The rules for the path after a configured URI to which secrets are sent. Servers, proxies and frameworks decode a path once or
 * twice, remove parameters, control characters and invisible characters, replace characters by similar ones, and resolve dot
 * segments before or after these steps. The rules therefore list what is allowed: text that all of them read as written.
 */

/** Unreserved characters, sub-delims without the semicolon that begins a parameter, colon and at sign (RFC 3986, 3.3). */
const plainAscii = /^[A-Za-z0-9\-._~!$&'()*+,=:@]$/;

/** Whether some readers remove a character, such as a soft hyphen, a joiner or a variation selector. */
const isRemovable = (character: string): boolean => /^\p{Default_Ignorable_Code_Point}$/u.test(character);

/** Whether the compatibility form contains an ASCII character other than letters and digits: U+2488 is `1.`, U+FF0F is `/`. */
function standsForSyntax(character: string): boolean {
  return /[^\P{ASCII}A-Za-z0-9]/u.test(character.normalize('NFKC'));
}

/**
 * Whether every reader keeps a character outside ASCII as it is: letters, marks, digits and pictographs. Punctuation and other symbols
 * are not allowed, because code pages replace some of them by a slash, a backslash or a dot (U+2215, U+00A5, U+3002).
 */
export function isPlainLetter(character: string): boolean {
  const isOfScript = /^[\p{L}\p{M}\p{N}\p{Extended_Pictographic}]$/u.test(character);
  return isOfScript && !isRemovable(character) && !standsForSyntax(character);
}

/**
 * Whether every reader sees the same segments in `path`: a path from a URI parser, without its leading slash; it may end in a slash.
 * No segment may be empty or a dot segment, also not after characters are removed or replaced.
 */
export function isPlainPath(path: string): boolean {
  return path === '' || path.replace(/\/$/, '').split('/').every(isPlainSegment);
}

function isPlainSegment(segment: string): boolean {
  const text = hasEncodedDot(segment) ? undefined : decoded(segment);
  if (text === undefined || text === '' || hasBareDots(text)) return false;
  if (text.startsWith(' ') || text.endsWith(' ')) return false;
  return [...text].every((character) => plainAscii.test(character) || character === ' ' || isPlainLetter(character));
}

/** Whether `query` (without its question mark) is well-formed and contains no control character when it is decoded once. */
export function isPlainQuery(query: string): boolean {
  const text = decoded(query);
  return text !== undefined && !/\p{Cc}/u.test(text);
}

function hasEncodedDot(text: string): boolean {
  return /%2e/i.test(text);
}

/**
 * Whether only dots could remain for a reader that removes characters. A dot must be followed by a character that no reader removes:
 * an ASCII letter or digit, `-` or `_`, without a combining mark. Two or more dots in a row also need such a character before them. So
 * `.well-known` and `a..b` are allowed, and `..`, `...`, `.(x).` and `a..` are not.
 */
function hasBareDots(text: string): boolean {
  return /\.(?!\.|[A-Za-z0-9_-](?!\p{M}))|(?<![A-Za-z0-9_-])\.\./u.test(text);
}

/** Decoded once as UTF-8; undefined when a percent sign does not begin a complete UTF-8 sequence of minimal length. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
