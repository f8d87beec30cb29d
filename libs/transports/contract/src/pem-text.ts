/** A text without the byte order mark that some editors and shells put before it. */
export function unmarked(text: string): string {
  return text.replace(/^\ufeff/, '');
}

/**
 * A key or certificate in PEM without a byte order mark, and with real line ends instead of a backslash and an n, which
 * environment variables often contain and PEM never does.
 */
export function pemText(text: string): string {
  return unmarked(text).replace(/(?:\\r)?\\n/g, '\n');
}
