import {
  fileText,
  isPlainName,
  yamlEntries,
  type ConfigFault,
  type NamedContent,
  type YamlEntry,
  type YamlFault,
} from '@pns/config-folder';
import { isFieldName } from '@pns/runtime';
import type { ContextSet } from './context-sets';
import { knownProperty } from './property-registry';
import { foreignNameReason, scopesSentence, shownPropertyName, valueFault } from './property-check';
import { parseTagExpression, type TagExpression } from './tag-expression';

/** The lowest rank of a set in a file. Sets of the API have lower ranks, so they are tried before sets of files. */
const firstFileRank = 1_000_000;

/** A context set in a file, with its location. */
export interface FileContextSet extends ContextSet {
  readonly file: string;
  readonly line: number;
  /** The text of `withTags`. */
  readonly tagText: string;
}

type Unranked = Omit<FileContextSet, 'rank'>;

/** Adds a fault of a set; `field` names the faulty field. */
type Note = (severity: ConfigFault['severity'], reason: string, field?: string) => void;

/**
 * The context sets in `contextSets/*.yml`, in the format of the original: a block for each set, with `withTags`, properties and
 * optionally `addTags`. Sets are tried in the order of the file names, then in the order within a file. An unusable set or
 * property does not affect other entries, and its previous value stays in effect.
 */
export class ContextSetFiles {
  private held: ReadonlyMap<string, readonly Unranked[]> = new Map();

  read(files: readonly NamedContent[]): {
    readonly sets: readonly FileContextSet[];
    readonly faults: readonly ConfigFault[];
  } {
    const faults: ConfigFault[] = [];
    const held = new Map(files.map(({ file, content }) => [file, this.setsOf({ file, content }, faults)]));
    faults.push(...duplicatesIn([...held.values()].flat()));
    this.held = held;
    const sets = [...held.values()].flat().map((set, index) => ({ ...set, rank: firstFileRank + index }));
    return { sets, faults };
  }

  private setsOf({ file, content }: NamedContent, faults: ConfigFault[]): readonly Unranked[] {
    const before = this.held.get(file) ?? [];
    const text = 'fault' in content ? content : fileText(content.bytes);
    if ('fault' in text) {
      faults.push({ file, severity: 'error', reason: text.fault });
      return before;
    }
    const { entries, faults: unread, warnings } = yamlEntries(text, { numbersAsText: true });
    const shown = ({ line, entry, reason }: YamlFault) => ({ file, line, reason, ...namedEntry(entry) });
    for (const fault of unread) faults.push({ ...shown(fault), severity: 'error' });
    for (const fault of warnings) faults.push({ ...shown(fault), severity: 'warning' });
    const sets = entries.flatMap((entry) => {
      const note: Note = (severity, reason, field) => {
        const line = field === undefined ? entry.line : entry.lineOf([field]);
        faults.push({ file, line, ...namedEntry(entry.name), severity, reason });
      };
      const held = before.find(({ name }) => name === entry.name);
      return setOf(file, entry, held, note) ?? held ?? [];
    });
    const isUnread = ({ name }: Unranked) =>
      !entries.some((entry) => entry.name === name) &&
      unread.some(({ entry }) => entry === undefined || entry === name);
    return [...sets, ...before.filter(isUnread)];
  }
}

function namedEntry(name: string | undefined): { readonly entry?: string } {
  return name === undefined || !isPlainName(name) ? {} : { entry: name };
}

/** The set that an entry defines. If the set is unusable, notes a fault and returns undefined. `held` is its previous set. */
function setOf(file: string, entry: YamlEntry, held: Unranked | undefined, note: Note): Unranked | undefined {
  const { name, value, line } = entry;
  if (!isObject(value))
    return void note('error', 'has no fields; write withTags and properties below its name, indented');
  const { withTags: givenTags, addTags: givenAdded, ...properties } = value;
  const tagText = scalarText(givenTags);
  const withTags = tagText === undefined ? undefined : tagsOf(tagText, note);
  if (givenTags === undefined) note('error', 'withTags is missing; it selects the contexts of the set');
  else if (tagText === undefined) note('error', `withTags ${notScalar}`, 'withTags');
  if (tagText === undefined || withTags === undefined) return undefined;
  const listed = tagListOf(givenAdded ?? []);
  if (listed === undefined) note('error', `addTags ${notScalar}, or a list of these`, 'addTags');
  const addTags = listed ?? held?.addTags ?? [];
  const values = new Map<string, string>();
  for (const [property, given] of Object.entries(properties)) {
    const text = propertyOf(property, given, held?.values.get(property), note);
    if (text !== undefined) values.set(property, text);
  }
  return { name, file, line, tagText, withTags, values, ...(addTags.length === 0 ? {} : { addTags }) };
}

/** The value of a property. If the given value is invalid, notes a fault and returns `held`, the previous value. */
function propertyOf(name: string, given: unknown, held: string | undefined, note: Note): string | undefined {
  const known = knownProperty(name);
  if (known === undefined) {
    const reason = foreignNameReason(name);
    if (reason !== undefined) note('warning', `${shownPropertyName(name) ?? 'a property'} ${reason}`, name);
    // A name with a dot may be a property of other software, so it gets no warning.
    else if (!name.includes('.')) note('warning', noFieldSentence(name), name);
    return undefined;
  }
  if (!known.scopes.includes('contextSet')) {
    return void note('error', scopesSentence(name, known).replace(/\.$/, ''), name);
  }
  const text = given === null ? '' : scalarText(given)?.trim();
  const fault = text === undefined ? notScalar : valueFault(known, text);
  if (fault === undefined) return text;
  note('error', `${name} ${fault}`, name);
  return held;
}

function noFieldSentence(name: string): string {
  if (name === 'rank')
    return 'rank exists only for sets of the API; sets of files are tried after them, in the order of files and lines';
  return `${isFieldName(name) ? name : 'a field'} is neither withTags nor addTags nor a property`;
}

function tagsOf(text: string, note: Note): TagExpression | undefined {
  try {
    return parseTagExpression(text);
  } catch (error) {
    return void note('error', `withTags: ${(error as Error).message.replace(/\.$/, '')}`, 'withTags');
  }
}

/** The tags in a list or a comma-separated text; undefined for other values. */
function tagListOf(given: unknown): readonly string[] | undefined {
  if (!Array.isArray(given))
    return scalarText(given)
      ?.split(',')
      .map((tag) => tag.trim());
  const tags = given.map(scalarText);
  return tags.every((tag) => tag !== undefined) ? tags : undefined;
}

const notScalar = 'must be text, a number, true or false';

function scalarText(given: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof given) ? String(given) : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Warnings for sets of different files with the same name. All are tried, but an explanation cannot distinguish them. */
function duplicatesIn(sets: readonly Unranked[]): ConfigFault[] {
  const first = new Map<string, Unranked>();
  return sets.flatMap((set) => {
    const before = first.get(set.name);
    if (before === undefined) first.set(set.name, set);
    if (before === undefined || before.file === set.file) return [];
    const reason = `is a context set in ${before.file}, line ${before.line}, too; both are tried, that one first`;
    return [{ file: set.file, line: set.line, ...namedEntry(set.name), severity: 'warning', reason } as const];
  });
}
