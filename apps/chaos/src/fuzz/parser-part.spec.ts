import { corpusOf } from './corpus';
import { ParserPart, type ParserInput } from './parser-part';
import { batchOf } from './seeded-inputs';

const part = new ParserPart();

it('reads every input of the corpus without a fault', async () => {
  expect(await part.tryAll(corpusOf('parsers').map(({ input }) => input as ParserInput))).toEqual([]);
});

it.each(Array.from({ length: 10 }, (_, number) => number))('reads batch %i without a fault', async (number) => {
  const seed = Date.now() % 1_000_000;
  expect({ seed, findings: await part.tryAll(batchOf(part, seed, number)) }).toEqual({ seed, findings: [] });
});

it('generates the same inputs from the same seed', () => {
  expect(batchOf(part, 7, 3)).toEqual(batchOf(part, 7, 3));
  expect(batchOf(part, 7, 3)).not.toEqual(batchOf(part, 8, 3));
});
