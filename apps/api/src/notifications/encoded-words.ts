import { decodeWords } from 'postal-mime';

/** A decoder writes this character for bytes that are not valid in their charset. */
const replacement = '\ufffd';

/**
 * Decodes the encoded words of a header (RFC 2047). If the bytes of a word are not valid in its charset, returns the header
 * unchanged, as RFC 2047, 6.3 allows, because decoding would lose the text of this word.
 */
export function decodedWords(header: string): string {
  const decoded = decodeWords(header);
  return hasLostText(header, decoded) ? header : decoded;
}

/** Whether decoding `header` lost text. */
export function hasLostText(header: string, decoded: string): boolean {
  return decoded.includes(replacement) && !header.includes(replacement);
}

/** The words before the address of a sender, not decoded. */
export function phraseOf(header: string): string {
  const end = header.lastIndexOf('<');
  return (end < 0 ? '' : header.slice(0, end)).replace(/^[\s"]+|[\s"]+$/g, '');
}
