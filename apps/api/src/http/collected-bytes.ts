/** Chunks below this size, in bytes, are copied together. */
const smallBytes = 1024;

/** The size of a block, in bytes. Small chunks are copied into blocks. */
const blockBytes = 8 * 1024;

const none = Buffer.alloc(0);

/**
 * The bytes of chunks that arrive one after the other. A sender chooses the size of chunks, and a chunk of one byte takes hundreds of
 * bytes of memory. So small chunks are copied together, except the first one, which is the whole body of most requests.
 */
export class CollectedBytes {
  private buffers: Buffer[] = [];
  private block = none;
  /** The start and end of the bytes in `block` that are not in `buffers` yet. */
  private start = 0;
  private end = 0;
  length = 0;

  add(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const isFirst = this.length === 0;
    this.length += chunk.length;
    if (isFirst || chunk.length >= smallBytes) {
      this.closePart();
      this.buffers.push(chunk);
      return;
    }
    if (this.end + chunk.length > this.block.length) {
      this.closePart();
      this.block = Buffer.allocUnsafeSlow(blockBytes);
      [this.start, this.end] = [0, 0];
    }
    this.end += chunk.copy(this.block, this.end);
  }

  /** The bytes that were added so far, in order, in a small number of buffers. */
  parts(): readonly Buffer[] {
    this.closePart();
    return this.buffers;
  }

  private closePart(): void {
    if (this.end > this.start) this.buffers.push(this.block.subarray(this.start, this.end));
    this.start = this.end;
  }
}
