import type { z } from 'zod';

/** The value of a text, or that the text cannot be read. */
export type Reading = { readonly value: unknown } | typeof unreadable;

const unreadable = { isUnreadable: true } as const;

// Maximum number of kept readings. A property has few values in use, but operators can set any number of names with topics.
const maxReadings = 10_000;

/** Maximum number of characters in the texts of all kept readings. Tenants can set thousands of long lists for their users. */
const maxReadCharacters = 8 * 1024 * 1024;

/** Parses each text once, and keeps the results up to these limits. */
export class Readings {
  private readonly known = new Map<string, Map<string, Reading>>();
  private count = 0;
  private characters = 0;

  /** The value of `text` for property `name`. Calls `onFault` the first time that an unreadable text is read. */
  read(name: string, text: string, schema: z.ZodType, onFault: (fault: string) => void): Reading {
    const known = this.known.get(name)?.get(text);
    if (known !== undefined) return known;
    const parsed = schema.safeParse(text);
    const reading: Reading = parsed.success ? { value: parsed.data } : unreadable;
    if (!parsed.success) onFault(parsed.error.issues[0]?.message ?? 'is not valid');
    this.count++;
    this.characters += text.length;
    if (this.count > maxReadings || this.characters > maxReadCharacters) {
      this.known.clear();
      this.count = 1;
      this.characters = text.length;
    }
    const ofName = this.known.get(name) ?? new Map<string, Reading>();
    this.known.set(name, ofName.set(text, reading));
    return reading;
  }
}
