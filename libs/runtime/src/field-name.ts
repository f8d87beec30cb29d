/** Longest part of a field name that is shown, in characters. Known names and their misspellings are shorter, most keys are longer. */
const longestPart = 40;

const part = `[a-z][a-z_-]{0,${longestPart - 3}}\\d{0,2}`;
const fieldName = new RegExp(`^${part}(?:\\.${part}){0,9}$`, 'i');

/**
 * Whether the name of an unknown field may be shown. A secret that was pasted in the place of a name is longer, or contains other
 * characters or digits between its letters.
 */
export function isFieldName(name: string): boolean {
  return fieldName.test(name);
}

/** The name of an unknown field for a sentence, or an ellipsis instead of a name that may be a secret. */
export function shownFieldName(name: string): string {
  return isFieldName(name) ? name : '\u2026';
}
