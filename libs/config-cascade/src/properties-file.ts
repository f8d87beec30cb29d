import { getProperties } from 'properties-file';

/**
 * Reads a Java properties file in which only `=` separates and `:` belongs to the key, so that keys may hold topics as
 * they stand (`\:` is read as `:` too). Comments, continuation lines and escapes are Java's.
 */
export function parseProperties(text: string): Map<string, string> {
  // An even number of backslashes before a colon leaves it unescaped, and Java would take it for the separator.
  // Without the look-behind, the time would grow with the square of a run of backslashes.
  const escaped = text.replace(/(?<!\\)(\\*):/g, (whole, slashes: string) =>
    slashes.length % 2 === 0 ? `${slashes}\\:` : whole,
  );
  return new Map(Object.entries(getProperties(escaped)));
}
