/**
 * The URL that `text` is, or undefined. Not by `URL.canParse`: in Node 20 that denies text with characters from U+0080 to U+00FF
 * once it has been optimized, which `new URL` reads.
 */
export function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
