import { LRUCache } from 'lru-cache';
import Mustache, { type TemplateSpans } from 'mustache';
import { cutText, ellipsis } from './cut-text';

/** Longest template, in UTF-16 units. */
export const maxTemplateLength = 4096;

/** Deepest nesting of sections, including inverted sections. */
export const maxSectionDepth = 10;

/** The maximum number of consecutive blanks, because the time of the parser grows with the square of their number in a tag. */
const maxBlanksInARow = 100;

/** A part of a template. A path contains the parts of a dotted name; the path of `{{.}}` is empty. */
export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly path: readonly string[] }
  | {
      readonly kind: 'section';
      readonly path: readonly string[];
      readonly isInverted: boolean;
      readonly inside: readonly TemplateNode[];
    };

/** A parsed template, or a clause with the reason why it cannot be parsed. */
type ReadTemplate = { readonly nodes: readonly TemplateNode[] } | { readonly fault: string };

/** Cache of parsed templates. It is limited to about 256 of the longest templates, because operators can write thousands. */
const read = new LRUCache<string, ReadTemplate>({
  maxSize: 1024 * 1024,
  sizeCalculation: (_, source) => source.length + 1,
});

// Mustache's own cache never removes a template.
Mustache.templateCache = undefined;

/** Parses a Mustache template. No HTML is escaped, so `{{a}}`, `{{&a}}` and `{{{a}}}` are the same. */
export function readTemplate(source: string): ReadTemplate {
  const fault = lengthFault(source);
  if (fault !== undefined) return { fault };
  let template = read.get(source);
  if (template === undefined) {
    template = parsed(source);
    read.set(source, template);
  }
  return template;
}

/** The fault of a template, as a clause; undefined when there is none. */
export function templateFault(source: string): string | undefined {
  const template = readTemplate(source);
  return 'fault' in template ? template.fault : undefined;
}

function lengthFault(source: string): string | undefined {
  if (source.length > maxTemplateLength) return `it has more than ${maxTemplateLength} characters`;
  const longest = Math.max(...source.split(/\S+/).map((blanks) => blanks.length));
  return longest > maxBlanksInARow ? `it has more than ${maxBlanksInARow} blanks in a row` : undefined;
}

function parsed(source: string): ReadTemplate {
  try {
    return { nodes: nodesOf(Mustache.parse(source), 0) };
  } catch (error) {
    // The parser quotes names, which can be as long as the template.
    return { fault: cutText((error as Error).message, 200, { ending: ellipsis }) };
  }
}

function nodesOf(spans: TemplateSpans, depth: number): TemplateNode[] {
  if (depth > maxSectionDepth) throw new Error(`its sections are nested deeper than ${maxSectionDepth} levels`);
  return spans.flatMap(([kind, text, , , inside]): TemplateNode[] => {
    switch (kind) {
      case 'text':
        return [{ kind, text }];
      case 'name':
      case '&':
        return [{ kind: 'value', path: pathOf(text) }];
      case '#':
      case '^':
        return [
          {
            kind: 'section',
            path: pathOf(text),
            isInverted: kind === '^',
            inside: nodesOf(inside as TemplateSpans, depth + 1),
          },
        ];
      case '>':
        throw new Error(`{{> ${text}}} names another template, and there are none`);
      default:
        return []; // comments and delimiters have no output
    }
  });
}

/** The parts of a name, as in Mustache: a name that starts with a dot has one part. */
function pathOf(name: string): readonly string[] {
  if (name === '.') return [];
  return name.indexOf('.') > 0 ? name.split('.') : [name];
}
