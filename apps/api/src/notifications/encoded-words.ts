import { decodeWords } from 'postal-mime';

/** What a decoder writes for bytes that are no text of their charset. */
const replacement = '\ufffd';

/**
 * A header with its encoded words (RFC 2047) decoded. Where the bytes of one are no text of the charset that it names, the
 * header stays as it is, as RFC 2047, 6.3 allows: decoded, its text would be lost.
 */
export function decodedWords(header: string): string {
  const decoded = decodeWords(header);
  return hasLostText(header, decoded) ? header : decoded;
}

/** Whether decoding `header` lost what it said. */
export function hasLostText(header: string, decoded: string): boolean {
  return decoded.includes(replacement) && !header.includes(replacement);
}

/** The words before the address of a sender, as they are. */
export function phraseOf(header: string): string {
  const end = header.lastIndexOf('<');
  return (end < 0 ? '' : header.slice(0, end)).replace(/^[\s"]+|[\s"]+$/g, '');
}
