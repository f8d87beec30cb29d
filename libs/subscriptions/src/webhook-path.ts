/**
 * The path that may follow a configured URI to which secrets are sent. Servers, proxies and frameworks decode a path once or
 * twice. They remove parameters, control characters and invisible characters, and replace characters by similar ones. They
 * resolve dot segments before or after these steps. So the rule is an allow list of text that all servers read literally.
 */

/** Unreserved characters, sub-delims without the semicolon (it starts a parameter), colon and at sign (RFC 3986, 3.3). */
const plainAscii = /^[A-Za-z0-9\-._~!$&'()*+,=:@]$/;

/** A character that some servers remove, for example a soft hyphen, a joiner or a variation selector. */
const isRemovable = (character: string): boolean => /^\p{Default_Ignorable_Code_Point}$/u.test(character);

/** Whether the compatibility form contains an ASCII character that is not a letter or digit: U+2488 is `1.`, U+FF0F is `/`. */
function standsForSyntax(character: string): boolean {
  return /[^\P{ASCII}A-Za-z0-9]/u.test(character.normalize('NFKC'));
}

/**
 * Whether a character outside ASCII is read literally: letters, marks, digits and pictographs. Punctuation and other symbols are
 * excluded, because code pages replace some of them by a slash, a backslash or a dot (U+2215, U+00A5, U+3002).
 */
export function isPlainLetter(character: string): boolean {
  const isOfScript = /^[\p{L}\p{M}\p{N}\p{Extended_Pictographic}]$/u.test(character);
  return isOfScript && !isRemovable(character) && !standsForSyntax(character);
}

/**
 * Whether every server reads the same segments in `path`, which is from a URI parser, without its leading slash. `path` may end
 * in a slash. No segment may be empty or a dot segment, or become one when a server removes or replaces characters.
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

/** Whether `query` is well-formed and contains no control character after one decoding. */
export function isPlainQuery(query: string): boolean {
  const text = decoded(query);
  return text !== undefined && !/\p{Cc}/u.test(text);
}

function hasEncodedDot(text: string): boolean {
  return /%2e/i.test(text);
}

/**
 * Whether a server that removes characters could get a segment of dots only. A dot must be followed by an ASCII letter or digit,
 * `-` or `_` without a combining mark, because no server removes these. Two or more dots in a row need such a character before
 * them too. So `.well-known` and `a..b` are names, and `..`, `...`, `.(x).` and `a..` are not.
 */
function hasBareDots(text: string): boolean {
  return /\.(?!\.|[A-Za-z0-9_-](?!\p{M}))|(?<![A-Za-z0-9_-])\.\./u.test(text);
}

/** The text after one decoding as UTF-8; undefined for an incomplete or overlong percent-encoded sequence. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
