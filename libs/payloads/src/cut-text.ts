/** The size of a text in bytes, as a provider counts it: at least one byte per UTF-16 unit, and never less for a longer text. */
export type TextSize = (text: string) => number;

/** The size of a text in UTF-8. */
export const utf8Bytes: TextSize = (text) => Buffer.byteLength(text);

/** The size of a text inside a JSON string, without its quotes. */
export const jsonBytes: TextSize = (text) => Buffer.byteLength(JSON.stringify(text)) - 2;

interface CutOptions {
  /** The size as the provider counts it. Default: UTF-8. */
  readonly sizeOf?: TextSize;
  /** A text that is added to a cut text, for example `…`. It is omitted if no character of the text fits beside it. */
  readonly ending?: string;
}

/** Marks a cut in a visible text. */
export const ellipsis = '…';

/**
 * The longest start of `text` with at most `maxBytes`: whole graphemes, or whole code points if the first visible grapheme does
 * not fit. The result is well-formed Unicode, and empty only if `text` is empty or the first code point does not fit. Half a
 * surrogate pair becomes U+FFFD. The running time depends on `maxBytes`, not on the length of `text`.
 */
export function cutText(text: string, maxBytes: number, { sizeOf = utf8Bytes, ending = '' }: CutOptions = {}): string {
  // A UTF-16 unit takes at least one byte, so at most `maxBytes` units fit. Two more units hold the code point after the cut.
  const considered = wellFormed(text.slice(0, Math.max(0, maxBytes) + 2));
  if (considered.length === text.length && sizeOf(considered) <= maxBytes) return considered;
  const marked = lastFit(considered, maxBytes - sizeOf(ending), sizeOf);
  if (marked > 0 && ending !== '') return `${withoutTrailingBlanks(wholeGraphemes(considered, marked))}${ending}`;
  return wholeGraphemes(considered, lastFit(considered, maxBytes, sizeOf));
}

/** The visible texts of a push. */
export interface Texts {
  readonly title?: string;
  readonly body?: string;
}

/**
 * Both texts, cut to `maxBytes` together. The body is cut first, down to its first line, which names the sender of a mail; then
 * the title, down to half of the bytes; then the first line of the body. A text for which no bytes are left is omitted.
 */
export function cutTexts({ title, body }: Texts, maxBytes: number, sizeOf: TextSize = utf8Bytes): Texts {
  const cut = (text: string, bytes: number): string => cutText(text, bytes, { sizeOf, ending: ellipsis });
  const kept = title === undefined || body === undefined ? 0 : firstLineBytes(body, maxBytes, sizeOf);
  const shownTitle = title === undefined ? '' : cut(title, maxBytes - Math.min(kept, Math.floor(maxBytes / 2)));
  const shownBody = body === undefined ? '' : cut(body, maxBytes - sizeOf(shownTitle));
  return { ...(shownTitle !== '' && { title: shownTitle }), ...(shownBody !== '' && { body: shownBody }) };
}

/** The size of a body that is cut to its first non-empty line, up to about `maxBytes`. */
function firstLineBytes(body: string, maxBytes: number, sizeOf: TextSize): number {
  const considered = body.slice(0, Math.max(0, maxBytes));
  const [line = ''] = /^\s*[^\n]*/.exec(considered) ?? [];
  return sizeOf(wellFormed(line)) + (line.length < body.length ? sizeOf(ellipsis) : 0);
}

/** Replaces each half of a surrogate pair by U+FFFD, because no provider accepts it. */
export function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

/** The index at which the longest start of `text` with whole code points and at most `maxBytes` ends. */
function lastFit(text: string, maxBytes: number, sizeOf: TextSize): number {
  let [low, high] = [0, Math.max(0, Math.min(text.length, maxBytes))];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (sizeOf(text.slice(0, codePointStart(text, middle))) <= maxBytes) low = middle;
    else high = middle - 1;
  }
  return codePointStart(text, low);
}

/** Returns `index`, or one less if `index` is inside a surrogate pair. */
function codePointStart(text: string, index: number): number {
  return index > 0 && (text.codePointAt(index - 1) ?? 0) > 0xffff ? index - 1 : index;
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Returns `text` up to `end`, without the part of a grapheme that `end` cuts, unless nothing visible would remain. */
function wholeGraphemes(text: string, end: number): string {
  // Only one grapheme is looked up, because the time of a lookup grows with the longest grapheme.
  const whole = text.slice(0, segmenter.segment(text).containing(end)?.index ?? end);
  const all = text.slice(0, end);
  return whole === '' || (isBlank(whole) && !isBlank(all)) ? all : whole;
}

function withoutTrailingBlanks(text: string): string {
  return isBlank(text) ? text : text.trimEnd();
}

/**
 * Characters that show nothing: spaces, control and format characters, characters that Unicode calls ignorable (fillers of
 * Hangul, variation selectors), the blank pattern of Braille, and noncharacters, which WNS cannot transfer.
 */
const invisible = '\\s\\p{Z}\\p{Cc}\\p{Cf}\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}\\u2800';
const visibleCharacter = new RegExp(`[^${invisible}]`, 'u');

/**
 * More than 32 blanks at the start are never intended. Fewer blanks are kept, because a blank can mark the direction of the text.
 */
const blankStart = new RegExp(`^[${invisible}]{33,}`, 'u');

/** Whether a text has no visible character. */
export function isBlank(text: string): boolean {
  return !visibleCharacter.test(text);
}

/** The text without a long run of blanks at its start. Otherwise, a cut text could consist of blanks only. */
export function withoutBlankStart(text: string): string {
  return text.replace(blankStart, '');
}
