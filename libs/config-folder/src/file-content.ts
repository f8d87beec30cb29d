import { isUtf8 } from 'node:buffer';
import { lstatSync, readFileSync, statSync } from 'node:fs';

/**
 * The largest file of the configuration folder that is read, in bytes. Parsing 1 MiB of YAML takes three to eight seconds, and
 * longer for invalid YAML.
 */
export const maxFileBytes = 1024 * 1024;

/** The bytes of a file, or why they cannot be read: the end of a sentence, and the system's error code. */
export type FileContent = { readonly bytes: Buffer } | { readonly fault: string; readonly code: string };

/** The lines of a file. LF, CR and CR LF end a line. */
export interface FileText {
  readonly lines: readonly string[];
  /** Numbers of lines that are not UTF-8, from 1; they are read as ISO-8859-1. */
  readonly latin1Lines: ReadonlySet<number>;
}

/** Reads a regular file, or the target of a link; undefined when there is none. Never waits for a pipe and never reads endlessly. */
export function fileContent(path: string): FileContent | undefined {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) return { fault: 'is a folder, but must be a file', code: 'EISDIR' };
    if (!stats.isFile()) return { fault: 'is not a regular file', code: 'ENXIO' };
    if (stats.size > maxFileBytes) return { fault: `has more than ${maxFileBytes} bytes`, code: 'EFBIG' };
    return { bytes: readFileSync(path) };
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') return { fault: `cannot be read (${code})`, code };
    return isLink(path) ? { fault: 'is a link to a file that does not exist', code } : undefined;
  }
}

/** The text in `bytes`, or why they are not text. */
export function fileText(bytes: Buffer): FileText | { readonly fault: string } {
  if (isUtf16(bytes)) return { fault: 'is UTF-16; save it as UTF-8' };
  if (isBinary(bytes)) return { fault: 'is not text' };
  const content = withoutMark(bytes);
  if (isUtf8(content)) return { lines: linesOf(content.toString('utf8')), latin1Lines: new Set() };
  // Each line is decoded alone, because editors with different encodings may have written the file. The lines can be split first,
  // because no UTF-8 character contains a line end.
  const latin1Lines = new Set<number>();
  const lines = linesOf(content.toString('latin1')).map((text, index) => {
    const line = Buffer.from(text, 'latin1');
    if (isUtf8(line)) return line.toString('utf8');
    latin1Lines.add(index + 1);
    return text;
  });
  return { lines, latin1Lines };
}

const byteOrderMark = Buffer.from('\ufeff');

/** The bytes of a key or certificate without a byte order mark; UTF-16 with a mark is converted to UTF-8. */
export function plainBytes(bytes: Buffer): Buffer {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return Buffer.from(new TextDecoder('utf-16le').decode(bytes));
  if (first === 0xfe && second === 0xff) return Buffer.from(new TextDecoder('utf-16be').decode(bytes));
  return withoutMark(bytes);
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, 3).equals(byteOrderMark) ? bytes.subarray(3) : bytes;
}

function linesOf(text: string): string[] {
  return text.split(/\r\n|[\n\r]/);
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Whether `bytes` begin with the mark of UTF-16, or about every other byte is 0, as in Western text in UTF-16. */
function isUtf16(bytes: Buffer): boolean {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  let [even, odd] = [0, 0];
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] !== 0) continue;
    if (index % 2 === 0) even++;
    else odd++;
  }
  return Math.max(even, odd) * 4 > bytes.length && Math.min(even, odd) * 10 < Math.max(even, odd);
}

/** Whether more than two bytes, and more than one byte in 50, are control characters that do not occur in text. */
function isBinary(bytes: Buffer): boolean {
  let controls = 0;
  for (const byte of bytes) if (byte === 0x7f || (byte < 0x20 && !isTextControl(byte))) controls++;
  return controls > 2 && controls * 50 > bytes.length;
}

/** Whether a byte is tab, line feed, vertical tab, form feed, carriage return or escape. */
function isTextControl(byte: number): boolean {
  return (byte >= 0x09 && byte <= 0x0d) || byte === 0x1b;
}
