import { isDeepStrictEqual } from 'node:util';
import { isFieldName } from '@pns/runtime';
import type { z } from 'zod';
import { fileText, type FileContent } from './file-content';
import { isPlainName, yamlEntries, type YamlEntries, type YamlEntry, type YamlFault } from './yaml-entries';

/** A fault in an option file. Its sentence contains no secret. */
export interface OptionFault {
  readonly file: string;
  /** Counted from 1; absent when the whole file is faulty. */
  readonly line?: number;
  /** Absent when the whole file or the name of the client is faulty. */
  readonly client?: string;
  readonly reason: string;
}

/** Returns the clients whose entries conflict with entries before them, and the reason for each. */
export type Conflicts<Options> = (entries: ReadonlyMap<string, Options>) => ReadonlyMap<string, string>;

/** The usable entries of a file, and its faults. */
interface Reading<Options> {
  readonly entries: ReadonlyMap<string, Options>;
  readonly faults: readonly OptionFault[];
  readonly warnings: readonly OptionFault[];
  readonly unreadable?: string;
}

/**
 * The entries of an option file, one for each client. Each entry is read separately. A faulty entry keeps its previous options,
 * or is left out if it was never readable, and does not affect other entries.
 */
export class OptionEntries<Options> {
  private reading: Reading<Options> = { entries: new Map(), faults: [], warnings: [] };

  /** `content` returns undefined when there is no file; then there are no entries. `schema` is the schema of the whole file. */
  constructor(
    private readonly file: string,
    private readonly content: () => FileContent | undefined,
    private readonly schema: z.ZodType<Readonly<Record<string, Options>>>,
    private readonly conflicts: Conflicts<Options> = () => new Map(),
  ) {}

  /** The options of a client; the same object until they change. */
  of(client: string): Options | undefined {
    return this.reading.entries.get(client);
  }

  /** All usable entries by client; the same object until one of them changes. */
  get all(): ReadonlyMap<string, Options> {
    return this.reading.entries;
  }

  /** The names of all entries, usable or not. */
  get clients(): readonly string[] {
    const refused = this.faults.flatMap(({ client }) => (client === undefined ? [] : [client]));
    return [...new Set([...this.reading.entries.keys(), ...refused])];
  }

  /** Why the entry of a client cannot be used; undefined for a client with options or without an entry. */
  refusal(client: string): string | undefined {
    if (this.reading.entries.has(client)) return undefined;
    const fault = this.faults.find((each) => each.client === client);
    return fault === undefined ? this.unreadable : `${fault.file}: ${fault.reason}`;
  }

  /** Why the whole file cannot be read now; undefined when it can. */
  get unreadable(): string | undefined {
    return this.reading.unreadable;
  }

  /** The faults of the file's current content. */
  get faults(): readonly OptionFault[] {
    return this.reading.faults;
  }

  /** Values that are used although they may be a mistake. */
  get warnings(): readonly OptionFault[] {
    return this.reading.warnings;
  }

  /** Reads the file again. Never throws. */
  read(): void {
    const content = this.content();
    if (content === undefined) this.reading = { entries: new Map(), faults: [], warnings: [] };
    else if ('fault' in content) this.reading = this.refusedWhole(content.fault);
    else {
      const text = fileText(content.bytes);
      this.reading = 'fault' in text ? this.refusedWhole(text.fault) : this.readEntries(yamlEntries(text));
    }
  }

  private refusedWhole(reason: string): Reading<Options> {
    const { file } = this;
    const { entries } = this.reading;
    return { entries, faults: [{ file, reason }], warnings: [], unreadable: `${file} ${reason}` };
  }

  private readEntries({ entries: found, faults: unread, warnings }: YamlEntries): Reading<Options> {
    const { file } = this;
    const shown = ({ line, entry = '', reason }: YamlFault): OptionFault => ({ file, line, ...named(entry), reason });
    const faults = unread.map(shown);
    const entries = new Map<string, Options>();
    for (const entry of found) {
      const before = this.of(entry.name);
      const read = this.entry(entry);
      if ('reason' in read) faults.push({ file, line: read.line, ...named(entry.name), reason: read.reason });
      const options = 'reason' in read || isDeepStrictEqual(before, read.options) ? before : read.options;
      if (options !== undefined) entries.set(entry.name, options);
    }
    // An unreadable entry was not removed, so it keeps its options. An unreadable part without a name may be any entry. Then all
    // missing entries keep their options.
    const isNameless = unread.some(({ entry }) => entry === undefined);
    for (const [client, options] of this.reading.entries) {
      const isUnread = isNameless || unread.some(({ entry }) => entry === client);
      if (isUnread && !entries.has(client)) entries.set(client, options);
    }
    for (const [client, reason] of this.conflicts(entries)) {
      const line = found.find(({ name }) => name === client)?.line;
      faults.push({ file, ...(line === undefined ? {} : { line }), ...named(client), reason });
      const before = this.of(client);
      if (before === undefined) entries.delete(client);
      else entries.set(client, before);
    }
    for (const client of this.conflicts(entries).keys()) entries.delete(client);
    const isLost = isNameless && found.length === 0;
    return {
      entries: isDeepStrictEqual(entries, this.reading.entries) ? this.reading.entries : entries,
      faults,
      warnings: warnings.map(shown),
      ...(isLost ? { unreadable: `${file}: ${unread[0]?.reason ?? ''}` } : {}),
    };
  }

  private entry({ name, value, line, lineOf }: YamlEntry): { readonly options: Options } | Omit<YamlFault, 'entry'> {
    try {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return { line, reason: 'has no fields; write them below its name, indented' };
      }
      const { data, error } = this.schema.safeParse(Object.fromEntries([[name, value]]));
      if (error !== undefined) return faultOf(error, lineOf);
      const options = Object.hasOwn(data, name) ? data[name] : undefined;
      return options === undefined ? { line, reason: 'is not the name of a client' } : { options };
    } catch (error) {
      // An unexpected error of a parser. Its message may quote the file, so only its code or name is shown.
      const { code, name: kind } = error as NodeJS.ErrnoException;
      return { line, reason: `cannot be read (${code ?? kind})` };
    }
  }
}

function named(client: string): { readonly client?: string } {
  return isPlainName(client) ? { client } : {};
}

/** The faults of options, field by field, in a sentence without secrets. */
export function optionsSentence(issues: readonly z.core.$ZodIssue[]): string {
  return issues.map((issue) => [issue.path.join('.'), messageOf(issue)].filter(Boolean).join(' ')).join('; ');
}

/** The message of an issue. Hides unknown field names that may be secrets, for example a secret in the place of a name. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  return issue.keys.filter((key) => !isFieldName(key)).reduce((text, key) => text.replaceAll(key, '…'), issue.message);
}

/** Converts the issues of a file with one entry to the fault of the entry. */
function faultOf({ issues }: z.ZodError, lineOf: YamlEntry['lineOf']): Omit<YamlFault, 'entry'> {
  const ofEntry = issues.flatMap((issue) =>
    issue.code === 'invalid_key' ? issue.issues : [{ ...issue, path: issue.path.slice(1) }],
  );
  const [first] = ofEntry;
  const path =
    first === undefined ? [] : first.code === 'unrecognized_keys' ? [...first.path, ...first.keys] : first.path;
  return { line: lineOf(path), reason: optionsSentence(ofEntry) };
}
