import { isExactNumber } from './exact-number';

/** The start and end of a value in a text, in bytes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const quote = 0x22;
const backslash = 0x5c;
const letterU = 0x75;
const comma = 0x2c;
const minus = 0x2d;
const zero = 0x30;
const colon = 0x3a;
const openList = 0x5b;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** JavaScript keeps the value of a number with at most 15 digits and an exponent of at most two digits, except negative zero. */
const exactDigits = 15;
const exactExponent = 2;

/** Longest number that is checked, in bytes. A longer number counts as altered. */
const maxNumberLength = 400;

/**
 * Scans a JSON text once, byte by byte, and finds the properties that decide whether `JSON.parse` may run. A scan takes some
 * milliseconds per megabyte of any text. The results for an invalid text have no meaning; `JSON.parse` refuses it.
 */
export class JsonScan {
  /** Deepest nesting of lists and objects. */
  depth = 0;
  /** The number of members of all objects. */
  members = 0;
  /** Whether the text has a number that JavaScript alters, or half a surrogate pair. May also be true for a long exact number. */
  isAltered = false;
  /** The positions of the values in the list. Values beyond `maxSpans` are only counted. */
  readonly spans: Span[] = [];
  spanCount = 0;
  /** Whether the list was found. */
  hasList = false;

  private at = 0;
  private level = 0;
  private blanks = 0;
  private escaped = 0;
  private name: Span = { start: 0, end: 0 };
  private isInList = false;
  private valueStart = -1;
  private valueEnd = -1;
  /** The start of the string in which the last run ended; -1 for none. */
  private stringStart = -1;

  /** The nesting level of the list's values. */
  private readonly listLevel: number;

  /** `listName`: the outermost object's member that is the list; null if the outermost value is the list; empty for no list. */
  constructor(
    private readonly bytes: Buffer,
    private readonly listName: string | null = '',
    private readonly maxSpans = 0,
  ) {
    this.listLevel = listName === null ? 1 : 2;
  }

  get isDone(): boolean {
    return this.at >= this.bytes.length;
  }

  /** The length in bytes without blanks between values; an escape sequence counts as one byte. */
  get compactBytes(): number {
    return this.bytes.length - this.blanks - this.escaped;
  }

  /** Continues the scan to about the byte `until`. */
  run(until = this.bytes.length): this {
    const { bytes } = this;
    const end = Math.min(until, bytes.length);
    if (this.stringStart >= 0) {
      this.readString(end);
      if (this.isInList && this.level === this.listLevel) this.valueEnd = this.at;
    }
    while (this.at < end) {
      const start = this.at;
      const byte = bytes[start] as number;
      this.at = start + 1;
      switch (byte) {
        case 0x20:
        case 0x09:
        case 0x0a:
        case 0x0d:
          this.blanks++;
          continue;
        case comma:
          if (this.level === this.listLevel && this.isInList) this.endValue();
          continue;
        case colon:
          this.members++;
          continue;
        case quote:
          this.stringStart = start;
          this.readString(end);
          break;
        case openList:
        case openObject:
          this.open(byte, start);
          continue;
        case closeList:
        case closeObject:
          this.close();
          continue;
        default:
          if (byte === minus || (byte >= zero && byte <= 0x39)) this.readNumber(start);
      }
      if (this.level === this.listLevel && this.isInList) this.noteValue(start);
    }
    return this;
  }

  private open(byte: number, start: number): void {
    if (this.level === this.listLevel && this.isInList) this.noteValue(start);
    if (byte === openList && this.level === this.listLevel - 1 && this.listName !== '' && this.isListName()) {
      this.isInList = true;
      this.hasList = true;
    }
    if (++this.level > this.depth) this.depth = this.level;
  }

  private close(): void {
    this.level--;
    if (!this.isInList) return;
    if (this.level === this.listLevel) this.valueEnd = this.at;
    if (this.level !== this.listLevel - 1) return;
    this.endValue();
    this.isInList = false;
  }

  private noteValue(start: number): void {
    if (this.valueStart < 0) this.valueStart = start;
    this.valueEnd = this.at;
  }

  private endValue(): void {
    if (this.valueStart < 0) return;
    this.spanCount++;
    if (this.spans.length < this.maxSpans) this.spans.push({ start: this.valueStart, end: this.valueEnd });
    this.valueStart = -1;
  }

  private isListName(): boolean {
    if (this.listName === null) return true;
    const { start, end } = this.name;
    return end - start === this.listName.length && this.bytes.toString('latin1', start, end) === this.listName;
  }

  private readString(end: number): void {
    const { bytes } = this;
    let { at } = this;
    while (at < end) {
      const byte = bytes[at++];
      if (byte === quote) {
        if (this.level === 1) this.name = { start: this.stringStart + 1, end: at - 1 };
        this.stringStart = -1;
        break;
      }
      if (byte !== backslash) continue;
      if (bytes[at] === letterU) at = this.readEscape(at + 1);
      else at++;
    }
    this.at = at;
  }

  /** Reads a `\u` escape, or two for a surrogate pair, from the offset `at` of the first digit. Returns the offset of the end. */
  private readEscape(at: number): number {
    const { bytes } = this;
    this.escaped += 5;
    const unit = ((bytes[at] as number) | 0x20) === 0x64 ? unitAt(bytes, at) : 0;
    if (unit < 0xd800) return at + 4;
    const follows = unit < 0xdc00 && bytes[at + 4] === backslash && bytes[at + 5] === letterU;
    const next = follows ? unitAt(bytes, at + 6) : 0;
    if (next < 0xdc00 || next > 0xdfff) {
      this.isAltered = true;
      return at + 4;
    }
    this.escaped += 5;
    return at + 10;
  }

  private readNumber(start: number): void {
    const { bytes } = this;
    let at = start + 1;
    let exponentAt = 0;
    for (;;) {
      const byte = bytes[at] as number;
      if (byte >= 0x30 && byte <= 0x39) at++;
      else if (byte === 0x2e || byte === 0x2b || byte === 0x2d) at++;
      else if ((byte | 0x20) === 0x65) {
        exponentAt = at++;
      } else break;
    }
    this.at = at;
    const length = at - start;
    const digits = exponentAt === 0 ? length : exponentAt - start;
    const isShort = digits <= exactDigits && length - digits <= exactExponent + 1;
    const mayBeNegativeZero = bytes[start] === minus && bytes[start + 1] === zero;
    if ((isShort && !mayBeNegativeZero) || this.isAltered) return;
    this.isAltered = length > maxNumberLength || !isExactNumber(bytes.toString('latin1', start, at));
  }
}

/** The UTF-16 code unit of four hexadecimal digits. */
function unitAt(bytes: Buffer, at: number): number {
  return (
    (digitOf(bytes[at]) << 12) | (digitOf(bytes[at + 1]) << 8) | (digitOf(bytes[at + 2]) << 4) | digitOf(bytes[at + 3])
  );
}

function digitOf(byte = 0): number {
  return byte <= 0x39 ? byte & 0x0f : ((byte & 0x0f) + 9) & 0x0f;
}
