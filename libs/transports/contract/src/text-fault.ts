/**
 * The fault of an option that must be a text but has another type; undefined for other faults, such as a text that is too long.
 * The fault mentions quotes, because YAML reads an unquoted number as a number.
 */
export function textFault({ code, input }: { readonly code: string; readonly input?: unknown }): string | undefined {
  if (code !== 'invalid_type') return undefined;
  return input === undefined ? 'is missing' : 'must be a text; in YAML, quote it';
}
