import { CollectedBytes } from '../http/collected-bytes';

/** One line of a stream, or `too long`. */
export type Line = Buffer | 'too long';

const newline = 0x0a;

/** Maximum number of lines in a group. Between groups the caller can do other work; one chunk can have 65,536 empty lines. */
const linesPerGroup = 1000;

/**
 * The lines of `stream`, in groups of at most `linesPerGroup` lines that arrived together. Buffers at most one chunk and the start of
 * one line. A line longer than `maxBytes` is replaced by `too long`.
 */
export async function* linesOf(stream: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line[]> {
  let begun = new CollectedBytes();
  /** The bytes of the line so far. If the line is too long, they are counted, but not collected. */
  let begunBytes = 0;
  const take = (rest: Buffer): Line => {
    const bytes = begunBytes + rest.length;
    if (begunBytes === 0) return bytes > maxBytes ? 'too long' : rest;
    const line = bytes > maxBytes ? 'too long' : Buffer.concat([...begun.parts(), rest]);
    begun = new CollectedBytes();
    begunBytes = 0;
    return line;
  };
  for await (const chunk of stream) {
    let lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      lines.push(take(chunk.subarray(start, end)));
      start = end + 1;
      if (lines.length < linesPerGroup) continue;
      yield lines;
      lines = [];
    }
    begunBytes += chunk.length - start;
    if (begunBytes <= maxBytes) begun.add(chunk.subarray(start));
    else begun = new CollectedBytes();
    if (lines.length > 0) yield lines;
  }
  if (begunBytes > 0) yield [take(Buffer.alloc(0))];
}
