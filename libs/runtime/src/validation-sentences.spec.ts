import { z } from 'zod';
import './validation-sentences';

const sentencesOf = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value).error?.issues ?? []).map(({ message }) => message);

it.each<[z.ZodType, unknown, string]>([
  [z.string(), undefined, 'is missing'],
  [z.string(), 5, 'must be a string'],
  [z.coerce.number().int(), 'many', 'must be a number'],
  [z.int(), 1.5, 'must be a whole number'],
  [z.boolean(), 'yes', 'must be true or false'],
  [z.object({}), [], 'must be a JSON object'],
  [z.record(z.string(), z.string()), null, 'must be a JSON object'],
  [z.array(z.string()), {}, 'must be a list'],
  [z.never(), 1, 'cannot be set here'],
  [z.map(z.string(), z.string()), 1, 'must be of type map'],
  [z.enum(['a', 'b']), 'c', 'must be one of a, b'],
  [z.enum(['a', 'b']), undefined, 'is missing'],
  [z.literal('a'), 'b', 'must be a'],
  [z.union([z.string(), z.number(), z.boolean()]), [], 'must be a string, or a number, or true or false'],
  [z.union([z.string(), z.number()]), undefined, 'is missing'],
  [z.union([z.string().min(2), z.number()]), 'a', 'must have at least 2 characters'],
  [z.union([z.string().min(2), z.number().max(3)]), 4, 'must be at most 3'],
  [z.discriminatedUnion('kind', [z.object({ kind: z.literal('x') })]), { kind: 'y' }, 'must be one of x'],
  [z.string().min(1), '', 'must have at least 1 character'],
  [z.string().max(2), 'abc', 'must have at most 2 characters'],
  [z.string().length(2), 'abc', 'must have exactly 2 characters'],
  [z.array(z.string()).min(1), [], 'must have at least 1 entry'],
  [z.array(z.string()).max(0), ['a'], 'must have at most 0 entries'],
  [z.number().min(3), 2, 'must be at least 3'],
  [z.number().gt(3), 3, 'must be more than 3'],
  [z.number().lt(3), 3, 'must be less than 3'],
  [z.number().multipleOf(2), 3, 'must be a multiple of 2'],
  [z.uuid(), 'x', 'must be a UUID'],
  [z.iso.datetime(), 'x', 'must be a date and time such as 2026-11-28T10:31:00Z'],
  [z.string().regex(/^a/), 'x', 'does not have the expected format'],
  [z.string().startsWith('a'), 'x', 'does not have the expected format'],
  [z.strictObject({}), { a: 1 }, 'a is not known here'],
  [z.record(z.string().max(1), z.string()), { ab: '' }, 'cannot be a name here: must have at most 1 character'],
  [z.set(z.string()), new Set([1]), 'must be a string'],
  [z.string().refine(() => false), 'x', 'is not valid'],
  [z.string({ error: 'is mine' }), 5, 'is mine'],
])('%#: describes the fault without the wording of the validator', (schema, value, sentence) => {
  expect(sentencesOf(schema, value)).toEqual([sentence]);
});
