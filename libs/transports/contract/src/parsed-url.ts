/**
 * Parses `text` as a URL; undefined if it is not a URL. `URL.canParse` is not used: in Node 20, once optimized, it returns
 * false for texts with characters from U+0080 to U+00FF, which `new URL` accepts.
 */
export function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
