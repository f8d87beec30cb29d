import { knownProperty, parseTagExpression } from '@pns/config-cascade';
import type { YamlEntry } from '@pns/config-folder';
import { convertedProperty, isSameValue } from './converted-property';
import type { OriginalFile } from './original-folder';
import type { ReportLine, Standing } from './report';
import { booleanWord, entriesOf, isFields, named, noFields } from './yaml-file';

/** The context sets to write into a file: the fields of each set, by its name. */
type WrittenSets = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

/** A field of a set, and how it is imported. */
interface Field {
  readonly original: string;
  readonly standing: Standing;
  readonly reason?: string;
  /** The name under which the field is written; absent if it is not written. */
  readonly name?: string;
  readonly value?: unknown;
}

/** Converts context sets of the original: PNS has the same format, but other names for some properties. */
export class ImportedContextSets {
  /** The sets of each file, by its path in our folder. */
  readonly written = new Map<string, WrittenSets>();
  readonly lines: ReportLine[] = [];
  /** The file of each set name. PNS cannot distinguish sets with the same name. */
  private readonly fileOf = new Map<string, string>();

  /** Converts a file. `name` is its path below the folder of context sets. */
  take(original: OriginalFile, name: string): void {
    const sets = new Map<string, ReadonlyMap<string, unknown>>();
    for (const entry of entriesOf(original, this.lines, { numbersAsText: true })) {
      const set = this.setOf(original.file, entry);
      if (set !== undefined) sets.set(this.freeName(original.file, entry), set);
    }
    if (sets.size > 0) this.written.set(this.freePath(name.replaceAll('/', '-')), sets);
  }

  private setOf(file: string, { name, value, line, lineOf }: YamlEntry): ReadonlyMap<string, unknown> | undefined {
    const wrong = (reason: string) => void this.lines.push({ file, line, ...named(name), standing: 'wrong', reason });
    if (!isFields(value)) return wrong(noFields);
    const fields = withoutDuplicates(Object.keys(value).map((field) => convertedField(field, value[field])));
    const isUsable = fields.some((field) => field.name === 'withTags');
    if (!Object.hasOwn(value, 'withTags')) wrong('withTags is missing; it selects the contexts of the set');
    for (const { original, standing, reason } of isUsable ? fields : fields.map(notWritten)) {
      const because = reason === undefined ? {} : { reason };
      this.lines.push({ file, line: lineOf([original]), ...named(name, original), standing, ...because });
    }
    if (!isUsable) return undefined;
    return new Map(fields.flatMap((field) => (field.name === undefined ? [] : [[field.name, field.value] as const])));
  }

  private freePath(original: string): string {
    // PNS does not read files whose names begin like hidden files or like copies of editors.
    const name = original.replace(/^[.#~]+/, '');
    const paths = [`contextSets/${name}`];
    for (let number = 2; this.written.has(paths.at(-1) ?? ''); number++)
      paths.push(`contextSets/${name.replace(/(?=\.ya?ml$)/, `-${number}`)}`);
    return paths.at(-1) ?? name;
  }

  private freeName(file: string, { name, line }: YamlEntry): string {
    const names = [name];
    for (let number = 2; this.fileOf.has(names.at(-1) ?? ''); number++) names.push(`${name}-${number}`);
    const free = names.at(-1) ?? name;
    if (free !== name) {
      const reason = `has the name of a set in ${this.fileOf.get(name)}, and is written with a number after it`;
      this.lines.push({ file, line, ...named(name), standing: 'renamed', reason });
    }
    this.fileOf.set(free, file);
    return free;
  }
}

function convertedField(original: string, value: unknown): Field {
  if (original === 'withTags') return tagsField(value);
  if (original === 'addTags') return addedTagsField(value);
  if (original === '<<') return { original, standing: 'wrong', reason: 'names no entry with fields to merge' };
  const text = value === null ? '' : scalarText(value);
  const { standing, reason, name, text: converted, isPerWebhook } = convertedProperty(original, text ?? '');
  if (isPerWebhook === true) return { original, standing: 'by-hand', reason: `${reason}, for all contexts` };
  if (text === undefined && standing !== 'not-needed') return { original, standing: 'wrong', reason: notScalar };
  if (standing === 'unknown' || standing === 'not-needed') return { original, standing, ...(reason && { reason }) };
  const word = booleanWord(value);
  if (word !== undefined && standing === 'wrong') return reworded(original, word);
  if (name === undefined) return { original, standing, ...(reason && { reason }) };
  if (knownProperty(name)?.scopes.includes('contextSet') !== true) {
    return { original, standing: 'not-needed', reason: 'can only be set for the whole server, also in the original' };
  }
  return { original, standing, ...(reason && { reason }), name, value: converted };
}

/** The field with the value `true` or `false`, because the original's YAML reads `yes`, `no`, `on` and `off` as booleans, too. */
function reworded(original: string, word: boolean): Field {
  const { standing, reason, name } = convertedProperty(original, String(word));
  if (name === undefined) return { original, standing, ...(reason && { reason }) };
  const because = [reason, `is written as ${word}`].filter((each) => each !== undefined).join('; ');
  return { original, standing, reason: because, name, value: String(word) };
}

function tagsField(value: unknown): Field {
  const original = 'withTags';
  const text = scalarText(value);
  if (text === undefined) return { original, standing: 'wrong', reason: notScalar };
  try {
    parseTagExpression(text);
  } catch (error) {
    return { original, standing: 'wrong', reason: (error as Error).message.replace(/\.$/, '') };
  }
  const field = { original, name: original, value: text };
  return /\buc[A-Z]/.test(text)
    ? {
        ...field,
        standing: 'by-hand',
        reason: 'has tags of permissions of the groupware; give them to users in the directory',
      }
    : { ...field, standing: 'taken' };
}

function addedTagsField(value: unknown): Field {
  const original = 'addTags';
  const isList = Array.isArray(value) && value.every((tag) => scalarText(tag) !== undefined);
  if (!isList && scalarText(value) === undefined)
    return { original, standing: 'wrong', reason: `${notScalar}, or a list` };
  return { original, standing: 'taken', name: original, value };
}

/** Keeps the value of one field for each property, because two names of the original may be one property here. */
function withoutDuplicates(fields: readonly Field[]): Field[] {
  const winners = new Map<string, Field>();
  for (const field of fields) {
    const before = winners.get(field.name ?? '');
    if (field.name !== undefined && (before === undefined || field.original === field.name))
      winners.set(field.name, field);
  }
  return fields.map((field) => {
    const { original, name, value } = field;
    const winner = winners.get(name ?? '');
    if (name === undefined || winner === undefined || winner === field) return field;
    const isSame = isSameValue(name, String(winner.value), String(value));
    return isSame
      ? { original, standing: 'overridden', reason: `is the same as ${winner.original}` }
      : {
          original,
          standing: 'wrong',
          reason: `differs from ${winner.original}, which is written; remove one of them`,
        };
  });
}

function notWritten(field: Field): Field {
  if (field.name === undefined) return field;
  const { original } = field;
  return { original, standing: 'by-hand', reason: 'is not written, because its context set cannot be used as it is' };
}

const notScalar = 'must be text, a number, true or false';

function scalarText(given: unknown): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof given) ? String(given) : undefined;
}
