import { isMap, isScalar, LineCounter, parseDocument, type Document, type ErrorCode, type YAMLError } from 'yaml';
import { lineOfDeepNesting } from './yaml-nesting';

/** A part of a YAML file that cannot be read. The fault does not quote the file, because option files contain secrets. */
export interface YamlFault {
  /** The number of the line, from 1. */
  readonly line: number;
  /** The entry that the part belongs to, if known. */
  readonly entry?: string;
  readonly reason: string;
}

/** The readable part of a YAML file, with the lines of its nodes. */
interface YamlDocument {
  readonly document: Document.Parsed;
  readonly lineOf: (offset: number) => number;
  readonly faults: readonly YamlFault[];
}

/**
 * Parses a YAML file. If it is not YAML, the entries with faults are left out and the other entries are parsed. An entry begins
 * at each line that is not indented.
 */
export function yamlDocument(lines: readonly string[]): YamlDocument {
  const whole = parsed(lines);
  if (whole.fault === undefined) return { ...whole, faults: [] };
  const kept = lines.map((line) => (isDirective(line) ? '' : line));
  const blocks = blocksOf(kept);
  const faults: YamlFault[] = [];
  const leaveOut = ({ begin, end, name }: Block, { line, reason }: YamlFault): void => {
    kept.fill('', begin, end);
    faults.push({ line, reason, ...(name === undefined ? {} : { entry: name }) });
  };
  for (const block of blocks.length > maxBlocks ? [] : blocks) {
    const fault = blockFault(kept, block);
    if (fault !== undefined) leaveOut(block, fault);
  }
  let rest = parsed(kept);
  // An entry may be valid YAML alone and invalid next to others.
  for (let tries = 0; rest.fault !== undefined && tries < maxTries; tries++) {
    const { fault } = rest;
    const block = blocks.findLast(({ begin }) => begin < fault.line);
    if (block === undefined) break;
    leaveOut(block, fault);
    rest = parsed(kept);
  }
  if (rest.fault !== undefined) return { ...parsed([]), faults: [whole.fault] };
  return { ...rest, faults: faults.length === 0 ? [whole.fault] : faults };
}

/** Why a part of a file is not an entry; undefined for an entry. */
function blockFault(lines: readonly string[], { begin, end, name }: Block): YamlFault | undefined {
  const { document, fault } = parsed([...lines.slice(begin, end), '']);
  // The parser reports an unclosed bracket or quote at the end of its input, which may be after the last line of the part.
  const last = lines.slice(begin, end).findLastIndex((line) => /[^ \t]/.test(line)) + 1;
  if (fault !== undefined) return { ...fault, line: begin + Math.min(fault.line, last) };
  return name !== undefined && isMap(document.contents) ? undefined : { line: begin + 1, reason: noEntry };
}

/** Maximum number of entries that are left out one by one while the remaining entries together are not YAML. */
const maxTries = 20;

/** A file with more parts is refused as a whole, because each part needs a separate parser. */
const maxBlocks = 20_000;

interface Parsed extends Omit<YamlDocument, 'faults'> {
  readonly fault?: YamlFault;
}

function parsed(lines: readonly string[]): Parsed {
  const text = lines.join('\n');
  const deepLine = lineOfDeepNesting(text);
  if (deepLine !== undefined) return { ...parsed([]), fault: { line: deepLine, reason: tooDeep } };
  const lineCounter = new LineCounter();
  const document = withoutStacks(() =>
    parseDocument(text, {
      lineCounter,
      logLevel: 'error', // only this level makes the parser report that there are several documents
      prettyErrors: false,
      uniqueKeys: false, // `yamlEntries` reports duplicates with their lines
    }),
  );
  const lineOf = (offset: number) => lineCounter.linePos(offset).line;
  const error = document.errors[0];
  const fault = error === undefined ? shapeFault(document) : faultOf(error, lineOf);
  return { document, lineOf, ...(fault === undefined ? {} : { fault }) };
}

/** Runs `work` without the stacks of its errors. The parser creates an error for each fault, and the stacks take most of its time. */
function withoutStacks<Result>(work: () => Result): Result {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const tooDeep = 'is not YAML: it is nested too deeply (RESOURCE_EXHAUSTION)';

/** The fault of a file that is a text or a list, for example because of a wrong first character; undefined for other files. */
function shapeFault({ contents }: Document.Parsed): YamlFault | undefined {
  const isEmpty = contents === null || (isScalar(contents) && contents.value === null);
  return isEmpty || isMap(contents) ? undefined : { line: 1, reason: noEntry };
}

const noEntry = 'has no entry; each entry begins with a name and a colon';

/** A parser's error or warning in our words, with its code, which the parser's documentation explains. */
export function faultOf({ code, pos }: YAMLError, lineOf: (offset: number) => number): YamlFault {
  if (code === 'RESOURCE_EXHAUSTION') return { line: lineOf(pos[0]), reason: tooDeep };
  return { line: lineOf(pos[0]), reason: `is not YAML: ${sentences[code] ?? 'it cannot be read'} (${code})` };
}

const sentences: Readonly<Partial<Record<ErrorCode, string>>> = {
  BAD_ALIAS: 'an alias (*) has no name; quote text that begins with *',
  BAD_DQ_ESCAPE: 'an unknown escape follows a backslash in double quotes; use single quotes',
  BAD_INDENT: 'the line is not indented like the lines around it',
  BAD_SCALAR_START: 'a text begins with a character that must be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'the line has a second colon, or is indented too far; quote text that has a colon',
  BLOCK_IN_FLOW: 'a bracket is not closed, or a block is inside brackets',
  MISSING_CHAR: 'a quote, bracket, comma, colon or blank is missing',
  MULTILINE_IMPLICIT_KEY: 'a line has no colon after its name',
  MULTIPLE_DOCS: 'it has several documents; remove the line ---',
  TAB_AS_INDENT: 'the line is indented with a tab; use blanks',
  TAG_RESOLVE_FAILED: 'a tag (!) is not known; quote text that begins with !',
  UNEXPECTED_TOKEN: 'a character or word is in a wrong place',
};

interface Block {
  /** Its lines, from 0; `end` is exclusive. */
  readonly begin: number;
  readonly end: number;
  /** Absent when the block does not begin with a name and a colon. */
  readonly name?: string;
}

/** Whether a line begins or ends a document, or is a YAML directive. */
function isDirective(line: string): boolean {
  return /^(?:---|\.\.\.)(?:[ \t]|$)|^%/.test(line);
}

/**
 * The parts of a file; each begins at a line that is not indented. A list item or a closing bracket belongs to the previous part.
 * Lines before the first part are a part too.
 */
function blocksOf(lines: readonly string[]): Block[] {
  const begins = lines.flatMap((line, index) => (/^(?:[^ \t#\-}\],]|-[^ \t])/.test(line) ? [index] : []));
  const first = lines.findIndex((line) => /^[ \t]*[^ \t#]/.test(line));
  if (first !== -1 && first < (begins[0] ?? Infinity)) begins.unshift(first);
  return begins.map((begin, index) => {
    const name = nameIn(lines[begin] ?? '');
    return { begin, end: begins[index + 1] ?? lines.length, ...(name === undefined ? {} : { name }) };
  });
}

function nameIn(line: string): string | undefined {
  const [, double, single, plain] =
    /^(?:"([^"\\]*)"|'([^']*)'|([^\s"'#&*!|>%@`[{?:][^:#]*?))\s*:(?:\s|$)/.exec(line) ?? [];
  return double ?? single ?? plain;
}
