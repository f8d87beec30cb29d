/**
 * What may follow a configured URI that secrets are sent to. Servers, proxies and frameworks decode a path once or twice,
 * remove parameters, control characters and characters that show nothing, replace characters by similar ones, and resolve dot
 * segments before or after any of that. The rule therefore names what is allowed: text that all of them read as it is written.
 */

/** Unreserved characters, sub-delims without the semicolon that begins a parameter, colon and at sign (RFC 3986, 3.3). */
const plainAscii = /^[A-Za-z0-9\-._~!$&'()*+,=:@]$/;

/** A character that some reader removes, such as a soft hyphen, a joiner or a variation selector. */
const isRemovable = (character: string): boolean => /^\p{Default_Ignorable_Code_Point}$/u.test(character);

/** Whether the compatibility form holds an ASCII character that is no letter or digit: U+2488 is `1.`, U+FF0F is `/`. */
function standsForSyntax(character: string): boolean {
  return /[^\P{ASCII}A-Za-z0-9]/u.test(character.normalize('NFKC'));
}

/**
 * Whether a character outside ASCII is read as itself: letters, marks, digits and pictographs. Punctuation and other symbols are
 * left out, as code pages replace some of them by a slash, a backslash or a dot (U+2215, U+00A5, U+3002).
 */
export function isPlainLetter(character: string): boolean {
  const isOfScript = /^[\p{L}\p{M}\p{N}\p{Extended_Pictographic}]$/u.test(character);
  return isOfScript && !isRemovable(character) && !standsForSyntax(character);
}

/**
 * Whether every reader sees the same segments in `path`, which is a path as a URI parser writes it, without its leading slash, and
 * may end in a slash. None of its segments is empty, a dot segment, or becomes one where characters are removed or replaced.
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

/** Whether `query` (without its question mark) is well-formed and holds no control character, however it is decoded once. */
export function isPlainQuery(query: string): boolean {
  const text = decoded(query);
  return text !== undefined && !/\p{Cc}/u.test(text);
}

function hasEncodedDot(text: string): boolean {
  return /%2e/i.test(text);
}

/**
 * Whether a reader that removes characters could be left with dots only. A dot must be followed by an ASCII letter or digit, `-` or `_`
 * without a combining mark, which no reader removes; two or more in a row need such a character before them too. So `.well-known` and
 * `a..b` are names, and `..`, `...`, `.(x).` and `a..` are not.
 */
function hasBareDots(text: string): boolean {
  return /\.(?!\.|[A-Za-z0-9_-](?!\p{M}))|(?<![A-Za-z0-9_-])\.\./u.test(text);
}

/** Decoded once as UTF-8; undefined where a percent sign begins no sequence that is complete and as short as it can be. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
