/** One assignment of a properties file. */
export interface Assignment {
  readonly name: string;
  readonly text: string;
  /** The number of its first line, from 1. */
  readonly line: number;
}

/** A line that cannot be read. `name` is empty when the name cannot be read either. */
export interface AssignmentFault {
  readonly line: number;
  readonly name: string;
  readonly reason: string;
}

/**
 * Reads the natural lines of a Java properties file (`java.util.Properties.load`: comments, continuation lines, escapes). Only `=`
 * and blanks separate name and value: `:` is part of the name, because names may contain topics (`\:` is read as `:` too). Unlike in
 * Java, a malformed escape makes only its own line unreadable.
 */
export function parseProperties(lines: readonly string[]): {
  readonly assignments: readonly Assignment[];
  readonly faults: readonly AssignmentFault[];
} {
  const assignments: Assignment[] = [];
  const faults: AssignmentFault[] = [];
  for (const { text, line } of logicalLines(lines)) {
    const [escapedName, escapedText] = parted(text);
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
    if (begin === 0) {
      if (content === '' || content.startsWith('#') || content.startsWith('!')) continue;
      begin = index + 1;
    }
    // Without the look-behind, the time would be quadratic in the length of a run of backslashes.
    const isContinued = (/(?<!\\)\\+$/.exec(content)?.[0].length ?? 0) % 2 === 1;
    text += isContinued ? content.slice(0, -1) : content;
    if (isContinued && index < lines.length - 1) continue;
    if (text !== '') yield { text, line: begin };
    text = '';
    begin = 0;
  }
}

/** Name and value, both with their escapes: the name ends at the first blank or `=` without a backslash. */
function parted(text: string): [name: string, value: string] {
  const [name = ''] = /^(?:\\.|[^\\= \t\f])*/s.exec(text) ?? [];
  return [name, text.slice(name.length).replace(/^[ \t\f]*=?[ \t\f]*/, '')];
}

const namedEscapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/** Undefined for a malformed `\u`. */
function unescaped(text: string): string | undefined {
  if (/(?<!\\)(?:\\\\)*\\u(?![0-9A-Fa-f]{4})/.test(text)) return undefined;
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|(.?))/gs, (_, code: string | undefined, character = '') =>
    code === undefined
      ? (namedEscapes[character as string] ?? (character as string))
      : String.fromCharCode(parseInt(code, 16)),
  );
}
