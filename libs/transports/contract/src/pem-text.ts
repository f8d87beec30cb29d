/** A text without the byte order mark that some editors and shells put before it. */
export function unmarked(text: string): string {
  return text.replace(/^\ufeff/, '');
}

/**
 * A key or certificate in PEM as it was pasted or saved: without a byte order mark, and with real line ends where a variable held
 * them as a backslash and an n, which PEM cannot hold otherwise.
 */
export function pemText(text: string): string {
  return unmarked(text).replace(/(?:\\r)?\\n/g, '\n');
}
