import { cutText, ellipsis } from '@pns/payloads';
import type { z } from 'zod';

/** One thing that is wrong with a value. `field` and `message` read as a sentence: "topic is missing". */
export interface Fault {
  readonly field: string;
  readonly message: string;
}

/** The value in the shape of `schema`, or what is wrong with it. */
export type Checked<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly faults: readonly [Fault, ...Fault[]] };

/** Checks `value` against `schema`; `whole` is what the value itself is called. */
export function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  whole = 'body',
): Checked<z.output<Schema>> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  // Once more for the sentences: to hand them over at once would cost every good value three times as much.
  const issues = schema.safeParse(value, { error: sentenceFor }).error?.issues ?? [];
  const [first, ...others] = issues.flatMap((issue) => faultsOf(issue, whole));
  return { ok: false, faults: [first ?? { field: whole, message: 'is not valid' }, ...others] };
}

/** One sentence for all of them. */
export function sentenceOf(faults: readonly Fault[]): string {
  return `${faults.map(({ field, message }) => `${field} ${message}`).join('; ')}.`;
}

function faultsOf(issue: z.core.$ZodIssue, whole: string): Fault[] {
  const field = issue.path.join('.') || whole;
  if (issue.code !== 'unrecognized_keys') return [{ field, message: issue.message }];
  // As many as help; the sender chose how many there are and how long.
  return issue.keys.slice(0, 10).map((key) => ({
    field: [...issue.path, cutText(key, 100, { ending: ellipsis })].join('.'),
    message: 'is not a field that is known here',
  }));
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a JSON object',
  record: 'a JSON object',
  array: 'a list',
};

/** Says what zod found in our words; a schema's own message comes first. */
function sentenceFor(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `must be ${typeNames[issue.expected] ?? `of type ${issue.expected}`}`;
    case 'invalid_value':
      return issue.input === undefined ? 'is missing' : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      return issue.input === undefined ? 'is missing' : undefined;
    case 'too_small':
      return `must ${boundary[issue.origin] ?? 'be'} at least ${issue.minimum}${units[issue.origin] ?? ''}`;
    case 'too_big':
      return `must ${boundary[issue.origin] ?? 'be'} at most ${issue.maximum}${units[issue.origin] ?? ''}`;
    default:
      return undefined;
  }
}

const boundary: Readonly<Record<string, string>> = { string: 'have', array: 'have' };
const units: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' };
