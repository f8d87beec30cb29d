/** One line of a stream, or `too long`. */
export type Line = Buffer | 'too long';

const newline = 0x0a;

/**
 * The lines of `stream`, in groups of lines that arrived together. Buffers at most one chunk and the start of one line; a line
 * longer than `maxBytes` is skipped.
 */
export async function* linesOf(stream: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line[]> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  const take = (rest: Buffer): Line => {
    const bytes = begunBytes + rest.length;
    const line = bytes > maxBytes ? 'too long' : begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
    begun = [];
    begunBytes = 0;
    return line;
  };
  for await (const chunk of stream) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      lines.push(take(chunk.subarray(start, end)));
      start = end + 1;
    }
    begunBytes += chunk.length - start;
    if (begunBytes <= maxBytes) begun.push(chunk.subarray(start));
    else begun = [];
    if (lines.length > 0) yield lines;
  }
  if (begunBytes > 0) yield [take(Buffer.alloc(0))];
}
