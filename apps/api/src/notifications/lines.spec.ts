import fc from 'fast-check';
import { linesOf, type Line } from './lines';

async function* chunked(text: string, sizes: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  let from = 0;
  for (const size of sizes) {
    yield bytes.subarray(from, from + size);
    from += size;
    await Promise.resolve();
  }
  yield bytes.subarray(from);
}

async function linesIn(text: string, sizes: readonly number[], maxBytes: number): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const some of linesOf(chunked(text, sizes), maxBytes)) lines.push(...some);
  return lines;
}

describe('the lines of a stream', () => {
  it('are the same for all divisions into chunks', async () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'ä', '\n', '😀') });
    await fc.assert(
      fc.asyncProperty(texts, fc.array(fc.nat(7)), fc.nat(9), async (text, sizes, maxBytes) => {
        const parts = text.split('\n');
        if (parts.at(-1) === '') parts.pop();
        const expected = parts.map((part) => {
          const bytes = Buffer.byteLength(part);
          return bytes > maxBytes ? 'too long' : part;
        });
        expect((await linesIn(text, sizes, maxBytes)).map(String)).toEqual(expected);
      }),
    );
  });

  it('are returned in groups, so that the caller can pause within a chunk of empty lines', async () => {
    const seen: number[] = [];
    for await (const lines of linesOf(chunked('\n'.repeat(2500), []), 10)) seen.push(lines.length);
    expect(seen).toEqual([1000, 1000, 500]);
  });

  it('are returned as soon as their end has arrived', async () => {
    const seen: number[] = [];
    for await (const lines of linesOf(chunked('a\nb\nc', [2, 2]), 10)) seen.push(lines.length);
    expect(seen).toEqual([1, 1, 1]);
  });
});
