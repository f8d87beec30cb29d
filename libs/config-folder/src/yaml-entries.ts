import { isFieldName } from '@pns/runtime';
import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLError } from 'yaml';
import type { FileText } from './file-content';
import { faultOf, yamlDocument, type YamlFault } from './yaml-document';

export type { YamlFault } from './yaml-document';

/** One entry at the top of a YAML file. */
export interface YamlEntry {
  readonly name: string;
  readonly value: unknown;
  /** The number of its first line, from 1. */
  readonly line: number;
  /** The line of a field by its path in `value`, or of the nearest enclosing field. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** A name that an entry or file has twice. The value in `before` has no effect. */
interface YamlDuplicate extends YamlFault {
  /** The line of the earlier value. */
  readonly before: number;
  /** The field that is duplicate; absent if the entry itself is duplicate. */
  readonly field?: string;
}

/** The readable entries of a YAML file, in order, and its faults. */
export interface YamlEntries {
  readonly entries: readonly YamlEntry[];
  /** An entry with a fault is not among `entries`. */
  readonly faults: readonly YamlFault[];
  /** Duplicate names, which are read but may be a mistake. */
  readonly warnings: readonly YamlDuplicate[];
}

/** Deepest nesting that is read: more than any option file needs, and far below the limit of the stack. */
const maxDepth = 64;

/** Maximum number of values in an entry, with all aliases expanded, because anchors that use anchors multiply the values. */
const maxValues = 100_000;

/** Maximum number of values in all entries of a file, with all aliases expanded, because each use of an anchor costs time. */
const maxValuesOfFile = 200_000;

/**
 * Reads a YAML file entry by entry. An entry that cannot be read affects no other entry, unless that one uses its anchors. Merge
 * keys (`<<`) work as in YAML 1.1. The number of aliases is limited only by `maxValues` and `maxValuesOfFile`. Of two entries with
 * the same name, the last one is used. With `numbersAsText`, a number is the text in the file: `007` stays `007`. Never throws.
 */
export function yamlEntries(
  text: FileText,
  { numbersAsText = false }: { readonly numbersAsText?: boolean } = {},
): YamlEntries {
  const { document, lineOf, faults } = yamlDocument(text.lines);
  const { contents } = document;
  if (!isMap<Node, Node | null>(contents)) return { entries: [], faults, warnings: [] };
  const oddLines = new Map<number, string>();
  for (const line of text.latin1Lines) oddLines.set(line, 'is not UTF-8; save the file as UTF-8');
  // A line with a warning is refused, because the parser reads another value than written, for example for the password `!x`.
  for (const warning of document.warnings) oddLines.set(...lineAndReason(warning, lineOf));
  const reader = new EntryReader(lineOf, oddLines, numbersAsText);
  for (const pair of contents.items) reader.read(pair);
  return { entries: reader.entries, faults: [...faults, ...reader.faults], warnings: reader.warnings };
}

function lineAndReason(warning: YAMLError, lineOf: (offset: number) => number): [number, string] {
  const { line, reason } = faultOf(warning, lineOf);
  return [line, reason];
}

/** A value and its size. */
interface Read {
  readonly value: unknown;
  /** The number of values in it, including itself, with all aliases expanded. */
  readonly values: number;
  readonly depth: number;
}

class Unreadable extends Error {
  constructor(
    readonly reason: string,
    readonly line: number,
  ) {
    super(reason);
  }
}

type Field = Pair<Node, Node | null>;

class EntryReader {
  private readonly byName = new Map<string, YamlEntry>();
  readonly faults: YamlFault[] = [];
  readonly warnings: YamlDuplicate[] = [];
  private readonly anchors = new Map<string, Read | 'unfinished' | 'unreadable'>();
  /** The lines of the fields of objects. */
  private readonly linesOf = new WeakMap<object, ReadonlyMap<string, number>>();
  private entry = '';
  /** The number of values in the entries that were read so far. */
  private valuesOfFile = 0;

  constructor(
    private readonly lineOf: (offset: number) => number,
    private readonly oddLines: ReadonlyMap<number, string>,
    private readonly numbersAsText: boolean,
  ) {}

  get entries(): readonly YamlEntry[] {
    return [...this.byName.values()];
  }

  read({ key, value }: Field): void {
    const line = this.lineAt(key);
    this.entry = isScalar(key) ? nameOf(key) : '';
    try {
      this.assertUsable(key, line, this.lineOf((value ?? key).range?.[1] ?? 0));
      if (this.valuesOfFile > maxValuesOfFile) {
        throw new Unreadable(`follows entries that have more than ${maxValuesOfFile} values in total`, line);
      }
      const read = this.valueOf(value, line);
      this.valuesOfFile += read.values;
      const before = this.byName.get(this.entry);
      if (before !== undefined) {
        this.warn({ line, reason: `is in line ${before.line} too; the last one is used`, before: before.line });
      }
      this.byName.delete(this.entry); // so that the last entry of this name is also last in the order
      const lineOf = (path: readonly PropertyKey[]) => this.fieldLine(read.value, path, line);
      this.byName.set(this.entry, { name: this.entry, value: read.value, line, lineOf });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      for (const [name, anchored] of this.anchors) if (anchored === 'unfinished') this.anchors.set(name, 'unreadable');
      this.faults.push({ line: error.line, entry: this.entry, reason: error.reason });
    }
  }

  private assertUsable(key: Node, from: number, to: number): void {
    if (!isScalar(key)) throw new Unreadable('has a name that is not text', from);
    for (let line = from; line <= to; line++) {
      const reason = this.oddLines.get(line);
      if (reason !== undefined) throw new Unreadable(reason, line);
    }
  }

  /** Reads a value. `around` is the line of the value's name, for a value without a position. */
  private valueOf(node: Node | null, around: number, nesting = 1): Read {
    if (node === null) return { value: null, values: 1, depth: 1 };
    const line = node.range == null ? around : this.lineAt(node);
    if (isAlias(node)) return this.anchored(node.source, line);
    const anchor = 'anchor' in node ? node.anchor : undefined;
    if (anchor !== undefined) this.anchors.set(anchor, 'unfinished');
    if (nesting > maxDepth) throw new Unreadable('is nested too deeply', line);
    const read = this.contentOf(node, line, nesting);
    if (read.depth > maxDepth) throw new Unreadable('is nested too deeply', line);
    assertFew([read], line);
    if (anchor !== undefined) this.anchors.set(anchor, read);
    return read;
  }

  private contentOf(node: Node, line: number, nesting: number): Read {
    if (isScalar(node)) {
      const isText = this.numbersAsText && typeof node.value === 'number';
      return { value: isText ? nameOf(node) : node.value, values: 1, depth: 1 };
    }
    if (isSeq<Node | null>(node)) {
      const items = node.items.map((item) => this.valueOf(item, line, nesting + 1));
      return holding(
        items.map(({ value }) => value),
        items,
      );
    }
    if (isMap<Node, Node | null>(node)) return this.objectOf(node.items, nesting);
    throw new Unreadable('has a value that is neither text nor a list nor fields', line);
  }

  private objectOf(pairs: readonly Field[], nesting: number): Read {
    const fields = new Map<string, unknown>();
    const lines = new Map<string, number>();
    const sources: object[] = [];
    const reads: Read[] = [];
    for (const { key, value } of pairs) {
      const line = this.lineAt(key);
      if (!isScalar(key)) throw new Unreadable('has a field whose name is not text', line);
      const read = this.valueOf(value, line, nesting + 1);
      reads.push(read);
      if (isMergeKey(key)) {
        sources.push(...mergeSources(read, line));
        continue;
      }
      const name = nameOf(key);
      const before = lines.get(name);
      const shown = isFieldName(name) ? name : 'a field';
      if (before !== undefined) {
        this.warn({ line, reason: `has ${shown} in line ${before} too; the last one is used`, before, field: name });
      }
      fields.set(name, read.value);
      lines.set(name, line);
    }
    // The number is checked before the fields are copied, because each source may have thousands of fields.
    if (sources.length > 0) assertFew(reads, this.lineAt((pairs[0] as Field).key));
    // Fields of the object itself take precedence, then those of the first source.
    for (const source of sources) {
      for (const [name, value] of Object.entries(source)) {
        if (fields.has(name)) continue;
        fields.set(name, value);
        lines.set(name, this.linesOf.get(source)?.get(name) ?? 0);
      }
    }
    const value = objectFrom(fields);
    this.linesOf.set(value, lines);
    return holding(value, reads);
  }

  private anchored(name: string, line: number): Read {
    const read = this.anchors.get(name);
    if (typeof read === 'object') return read;
    if (read === 'unfinished') throw new Unreadable('has an alias of itself', line);
    if (read === 'unreadable') throw new Unreadable('has an alias of a value that cannot be read', line);
    throw new Unreadable('has an alias (*) without an anchor; quote text that begins with *', line);
  }

  private warn(duplicate: Omit<YamlDuplicate, 'entry'>): void {
    this.warnings.push({ ...duplicate, entry: this.entry });
  }

  private lineAt(node: Node): number {
    return this.lineOf(node.range?.[0] ?? 0);
  }

  private fieldLine(value: unknown, path: readonly PropertyKey[], line: number): number {
    const [first, ...rest] = path;
    if (first === undefined || typeof value !== 'object' || value === null) return line;
    const ofField = this.linesOf.get(value)?.get(String(first)) ?? line;
    return this.fieldLine((value as Record<PropertyKey, unknown>)[first], rest, ofField);
  }
}

function assertFew(reads: readonly Read[], line: number): void {
  const values = reads.reduce((sum, read) => sum + read.values, 0);
  if (values > maxValues) throw new Unreadable(`contains more than ${maxValues} values`, line);
}

function holding(value: unknown, parts: readonly Read[]): Read {
  const values = parts.reduce((sum, part) => sum + part.values, 1);
  return { value, values, depth: 1 + Math.max(0, ...parts.map(({ depth }) => depth)) };
}

function mergeSources({ value }: Read, line: number): object[] {
  const sources = Array.isArray(value) ? (value as unknown[]) : [value];
  return sources.map((source) => {
    if (typeof source === 'object' && source !== null && !Array.isArray(source)) return source;
    throw new Unreadable('has a merge key (<<) that names no entry with fields', line);
  });
}

/** The name of an entry or field. A name that YAML does not read as text stays as written: `1.50`, `42`. */
function nameOf({ value, source }: { readonly value: unknown; readonly source?: string | undefined }): string {
  return typeof value === 'string' ? value : (source ?? String(value));
}

/** Whether a key is the merge key `<<`. YAML 1.1 reads it as a merge key, YAML 1.2 as text. */
function isMergeKey(key: Node): boolean {
  if (!isScalar(key)) return false;
  const { value, type } = key as { value: unknown; type?: string };
  return typeof value === 'symbol' ? value.description === '<<' : value === '<<' && type === 'PLAIN';
}

/** An object with exactly these fields, even `__proto__`. */
function objectFrom(fields: ReadonlyMap<string, unknown>): object {
  const object = {};
  for (const [name, value] of fields) {
    Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

/** Whether a name may be shown. Other names may be secrets, because in a broken line a secret may be read as a name. */
export function isPlainName(name: string): boolean {
  return /^[\w.-]{1,64}$/.test(name);
}
