// The schemas of property values, which are texts.
import { maxTemplateLength, navigateFault, templateFault } from '@pns/payloads';
import { z } from 'zod';

export const flag = z.stringbool({ truthy: ['true'], falsy: ['false'], error: 'must be true or false' });
export const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    // A number with too many digits becomes Infinity, and gets the message for a number above the maximum.
    .pipe(z.number(`must be at most ${max}`).min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));

/**
 * A text of at most `maxLength` UTF-16 units; a longer text is not checked further. NUL and half a surrogate pair are refused,
 * because Postgres cannot store them.
 */
export const text = (maxLength: number) =>
  z
    .string()
    .max(maxLength, { error: `must have at most ${maxLength} characters`, abort: true })
    .regex(/^[^\0]*$/, 'must not contain NUL')
    .regex(/^\P{Cs}*$/u, 'must not contain half of a surrogate pair');

// The limits exist because lists are parsed for many deliveries.
const maxListLength = 16_384;
const maxListEntries = 1000;
export const list = text(maxListLength)
  .transform((entries) =>
    entries
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  )
  .refine((entries) => entries.length <= maxListEntries, `must have at most ${maxListEntries} entries`);

export const template = text(maxTemplateLength).superRefine((source, context) => {
  const fault = templateFault(source);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: `is not a Mustache template: ${fault}` });
});

export const urlTemplate = text(maxTemplateLength).superRefine((source, context) => {
  const fault = navigateFault(source);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: `is not a template of a URL: ${fault}` });
});
