import type { Socket } from 'node:net';

const [cr, lf, one, zero, two] = ['\r', '\n', '1', '0', '2'].map((character) => character.charCodeAt(0));

/** The position of the status digits in `HTTP/1.1 100`. */
const statusAt = 9;

/**
 * Changes each `100 Continue` that arrives before an answer into a 102. A client must be able to parse interim answers that it
 * did not ask for (RFC 9110, 15.2). undici ignores other interim answers, but closes the connection at a 100.
 */
export class InterimAnswers {
  /** The part that the next byte belongs to. At `answer`, no further byte is parsed. */
  private part: 'status' | 'interim head' | 'answer' = 'status';
  private position = 0;
  private digits = 0;
  private isLineEmpty = false;

  /** Rewrites the data that arrives at `socket`, until the socket ends. At most one request may be in progress. */
  static rewriteOn(socket: Socket): void {
    const answers = new InterimAnswers();
    const push = socket.push.bind(socket);
    const write = socket.write.bind(socket) as (...parameters: unknown[]) => boolean;
    socket.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      if (chunk !== null) answers.rewrite(chunk);
      return push(chunk, encoding);
    };
    socket.write = (...parameters: unknown[]) => {
      answers.expectStatus(); // the previous answer has ended, because there is no pipelining
      return write(...parameters);
    };
  }

  /** Makes the next byte the start of a status line. Called when a request is written or an interim answer has ended. */
  expectStatus(): void {
    this.part = 'status';
    this.position = 0;
    this.digits = 0;
  }

  /** Rewrites a chunk in place. An interim answer may be split over several chunks, or share a chunk with the answer. */
  rewrite(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.part !== 'answer'; at++) {
      if (this.part === 'status') this.status(chunk, at);
      else this.interimHead(chunk[at]);
    }
  }

  private status(chunk: Buffer, at: number): void {
    const byte = chunk[at];
    if (this.position === 0 && (byte === cr || byte === lf)) return; // parsers accept empty lines before a status line
    const digit = this.position++ - statusAt;
    if (digit < 0) return;
    if (digit === 0 && byte !== one) this.part = 'answer';
    else if (digit === 1 && byte === zero) this.digits = 1;
    else if (digit === 2) {
      if (this.digits === 1 && byte === zero) chunk[at] = two as number;
      this.part = 'interim head';
      this.isLineEmpty = false;
    }
  }

  private interimHead(byte: number | undefined): void {
    if (byte === lf && this.isLineEmpty) this.expectStatus();
    else if (byte !== cr) this.isLineEmpty = byte === lf;
  }
}
