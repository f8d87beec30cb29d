import { z } from 'zod';
import { textFault } from './text-fault';

const text = z.string({ error: textFault });
const faultOf = (schema: z.ZodType, given: unknown) => schema.safeParse(given).error?.issues[0]?.message;

it.each([
  ['nothing', undefined, 'is missing'],
  ['a number', 7, 'must be a text; in YAML, quote it'],
  ['null', null, 'must be a text; in YAML, quote it'],
])('%s is not a text', (_, given, message) => expect(faultOf(text, given)).toBe(message));

it('the sentence for a text with another fault does not say that it is not a text', () => {
  expect(faultOf(text.max(2), 'abc')).not.toMatch(/must be a text|is missing/);
  expect(faultOf(text.regex(/a/, 'must contain an a'), 'b')).toBe('must contain an a');
});
