import { CST, Lexer } from 'yaml';

/**
 * Maximum nesting of a YAML file that is parsed. `yamlEntries` refuses more than 64 levels afterwards; this limit only protects
 * the process. The parser is recursive, and V8 ends the process (it throws nothing) when it compiles a regular expression at the
 * end of the stack.
 */
const maxNesting = 256;

/**
 * The line, from 1, at which a YAML text is nested too deeply for the parser. Levels are open brackets, the indentation of a line and
 * the indicators `-`, `?` and `:` in it. The lexer is not recursive, and takes a tenth of the time that the parser takes.
 */
export function lineOfDeepNesting(text: string): number | undefined {
  let [line, brackets, levels, isLineBegin] = [1, 0, 0, true];
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token);
    if (type === 'space' && isLineBegin) levels = token.length;
    else if (opens.has(type)) brackets += 1;
    else if (closes.has(type)) brackets = Math.max(0, brackets - 1);
    else if (indicates.has(type) && brackets === 0) levels += 1;
    if (brackets + levels > maxNesting) return line;
    isLineBegin = type === 'newline';
    if (isLineBegin) levels = 0;
    for (const character of token) if (character === '\n') line += 1;
  }
  return undefined;
}

type TokenType = ReturnType<typeof CST.tokenType>;

const opens: ReadonlySet<TokenType> = new Set(['flow-map-start', 'flow-seq-start']);
const closes: ReadonlySet<TokenType> = new Set(['flow-map-end', 'flow-seq-end']);
const indicates: ReadonlySet<TokenType> = new Set(['seq-item-ind', 'explicit-key-ind', 'map-value-ind']);
