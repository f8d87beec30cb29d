import { shownFieldName } from '@pns/runtime'; // installs the sentences of the validator, too
import type { z } from 'zod';

/** Maximum number of reported faults of one value. The sender chooses how many faults a value has, so a limit is needed. */
export const maxFaults = 10;

/** One thing that is wrong with a value. `field` and `message` read as a sentence: "topic is missing". */
export interface Fault {
  readonly field: string;
  readonly message: string;
}

/** The parsed value, or its faults. */
export type Checked<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly faults: readonly [Fault, ...Fault[]] };

/** Checks `value` against `schema`. `whole` names the value in faults that have no path. */
export function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  whole = 'body',
): Checked<z.output<Schema>> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [first, ...others] = parsed.error.issues.slice(0, maxFaults).flatMap((issue) => faultsOf(issue, whole));
  return { ok: false, faults: [first ?? { field: whole, message: 'is not valid' }, ...others] };
}

/** Joins all faults to one sentence. */
export function sentenceOf(faults: readonly Fault[]): string {
  return `${faults.map(({ field, message }) => `${field} ${message}`).join('; ')}.`;
}

function faultsOf(issue: z.core.$ZodIssue, whole: string): Fault[] {
  const field = issue.path.join('.') || whole;
  if (issue.code !== 'unrecognized_keys') return [{ field, message: issue.message }];
  // The number and length of the names are limited, because the sender chooses both. A name that may be a secret is hidden,
  // because clients log answers.
  return issue.keys.slice(0, maxFaults).map((key) => ({
    field: [...issue.path, shownFieldName(key)].join('.'),
    message: 'is not a known field',
  }));
}
