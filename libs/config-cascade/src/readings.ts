import type { z } from 'zod';

/** What a text stands for, unless it cannot be read. */
export type Reading = { readonly value: unknown } | typeof unreadable;

const unreadable = { isUnreadable: true } as const;

// Some values of each property are in use; names with a topic behind them are the operator's to invent.
const maxReadings = 10_000;

/** Reads each text once. */
export class Readings {
  private readonly known = new Map<string, Map<string, Reading>>();
  private count = 0;

  /** The reading of `text`, the value of property `name`; `onFault` hears of it the first time that it cannot be read. */
  read(name: string, text: string, schema: z.ZodType, onFault: (fault: string) => void): Reading {
    const known = this.known.get(name)?.get(text);
    if (known !== undefined) return known;
    const parsed = schema.safeParse(text);
    const reading: Reading = parsed.success ? { value: parsed.data } : unreadable;
    if (!parsed.success) onFault(parsed.error.issues[0]?.message ?? 'is not valid');
    if (++this.count > maxReadings) {
      this.known.clear();
      this.count = 1;
    }
    const ofName = this.known.get(name) ?? new Map<string, Reading>();
    this.known.set(name, ofName.set(text, reading));
    return reading;
  }
}
