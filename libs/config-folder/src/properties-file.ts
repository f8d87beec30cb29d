/** One assignment of a properties file. */
export interface Assignment {
  readonly name: string;
  readonly text: string;
  /** The number of its first line, from 1. */
  readonly line: number;
}

/** A line that cannot be read. `name` is empty when the name cannot be read either. */
interface AssignmentFault {
  readonly line: number;
  readonly name: string;
  readonly reason: string;
}

/**
 * Reads the natural lines of a Java properties file (`java.util.Properties.load`: comments, continuation lines, escapes). Only `=`
 * and blanks separate name and value: `:` is part of the name, because names may contain topics (`\:` is read as `:` too). With
 * `colonSeparates`, `:` separates, as in Java. Unlike in Java, a malformed escape makes only its own line unreadable.
 */
export function parseProperties(
  lines: readonly string[],
  { colonSeparates = false }: { readonly colonSeparates?: boolean } = {},
): {
  readonly assignments: readonly Assignment[];
  readonly faults: readonly AssignmentFault[];
} {
  const assignments: Assignment[] = [];
  const faults: AssignmentFault[] = [];
  for (const { text, line } of logicalLines(lines)) {
    const [escapedName, escapedText] = parted(text, colonSeparates ? partsOfJava : parts);
    const name = unescaped(escapedName);
    const value = unescaped(escapedText);
    if (name === undefined || value === undefined) {
      faults.push({
        line,
        name: name ?? '',
        reason: 'has \\u without four hexadecimal digits; write \\\\ for a backslash',
      });
    } else assignments.push({ name, text: value, line });
  }
  return { assignments, faults };
}

/** Joins continuation lines, and skips blank lines and comments. */
function* logicalLines(lines: readonly string[]): Generator<{ readonly text: string; readonly line: number }> {
  let text = '';
  let begin = 0;
  for (const [index, natural] of lines.entries()) {
    const content = natural.replace(/^[ \t\f]+/, '');
    // Java too skips a blank line or a comment after a line that contains only a backslash.
    if (text === '' && (content === '' || content.startsWith('#') || content.startsWith('!'))) {
      begin = 0;
      continue;
    }
    if (begin === 0) begin = index + 1;
    // Without the look-behind, the time would be quadratic in the length of a run of backslashes.
    const isContinued = (/(?<!\\)\\+$/.exec(content)?.[0].length ?? 0) % 2 === 1;
    text += isContinued ? content.slice(0, -1) : content;
    if (isContinued && index < lines.length - 1) continue;
    if (text !== '') yield { text, line: begin };
    text = '';
    begin = 0;
  }
}

/** The name ends at the first blank or separator without a backslash; blanks around the separator belong to neither part. */
const parts = { name: /^(?:\\.|[^\\= \t\f])*/s, separator: /^[ \t\f]*=?[ \t\f]*/ };
const partsOfJava = { name: /^(?:\\.|[^\\=: \t\f])*/s, separator: /^[ \t\f]*[=:]?[ \t\f]*/ };

/** Name and value, both with their escapes. */
function parted(text: string, { name: ofName, separator }: typeof parts): [name: string, value: string] {
  const [name = ''] = ofName.exec(text) ?? [];
  return [name, text.slice(name.length).replace(separator, '')];
}

const namedEscapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/** Replaces the escapes in `text`; undefined for a malformed `\u`. */
function unescaped(text: string): string | undefined {
  if (/(?<!\\)(?:\\\\)*\\u(?![0-9A-Fa-f]{4})/.test(text)) return undefined;
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|(.?))/gs, (_, code: string | undefined, character = '') =>
    code === undefined
      ? (namedEscapes[character as string] ?? (character as string))
      : String.fromCharCode(parseInt(code, 16)),
  );
}
