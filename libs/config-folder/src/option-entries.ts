import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { fileText, type FileContent } from './file-content';
import { isPlainName, yamlEntries, type YamlEntries, type YamlEntry, type YamlFault } from './yaml-entries';

/** What of an option file cannot be used, in a sentence that holds no secret. */
export interface OptionFault {
  readonly file: string;
  /** From 1; absent where the file as a whole is at fault. */
  readonly line?: number;
  /** Absent where the file as a whole is at fault, or the name of the client is. */
  readonly client?: string;
  readonly reason: string;
}

/** Finds the entries that cannot be used beside those before them, and why. */
export type Conflicts<Options> = (entries: ReadonlyMap<string, Options>) => ReadonlyMap<string, string>;

/** The entries of a file that can be used, and what cannot. */
interface Reading<Options> {
  readonly entries: ReadonlyMap<string, Options>;
  readonly faults: readonly OptionFault[];
  readonly warnings: readonly OptionFault[];
  readonly unreadable?: string;
}

/**
 * The entries of an option file, one for each client. Each is read for itself: a faulty one keeps what it said before, or
 * is left out where it never could be read, and the others work.
 */
export class OptionEntries<Options> {
  private reading: Reading<Options> = { entries: new Map(), faults: [], warnings: [] };

  /** `content` is undefined where there is no file, which has no entries; `schema` is that of the whole file. */
  constructor(
    private readonly file: string,
    private readonly content: () => FileContent | undefined,
    private readonly schema: z.ZodType<Readonly<Record<string, Options>>>,
    private readonly conflicts: Conflicts<Options> = () => new Map(),
  ) {}

  /** The options of a client; the same object until something about them changes. */
  of(client: string): Options | undefined {
    return this.reading.entries.get(client);
  }

  /** All entries that can be used, by client; the same object until something about any of them changes. */
  get all(): ReadonlyMap<string, Options> {
    return this.reading.entries;
  }

  /** The names of the entries, those that cannot be used included. */
  get clients(): readonly string[] {
    const refused = this.faults.flatMap(({ client }) => (client === undefined ? [] : [client]));
    return [...new Set([...this.reading.entries.keys(), ...refused])];
  }

  /** Why a client has no options although it may have an entry; undefined for one that has options, or no entry. */
  refusal(client: string): string | undefined {
    if (this.reading.entries.has(client)) return undefined;
    const fault = this.faults.find((each) => each.client === client);
    return fault === undefined ? this.unreadable : `${fault.file}: ${fault.reason}`;
  }

  /** Why the file as a whole cannot be read now; undefined when it can. */
  get unreadable(): string | undefined {
    return this.reading.unreadable;
  }

  /** What cannot be used of the file as it is now. */
  get faults(): readonly OptionFault[] {
    return this.reading.faults;
  }

  /** What is used although it may not be meant. */
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
    // An entry that cannot be read any more is not one that was removed; a part without a name may be any of them.
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
      // Of a file that no parser expected; what it says may quote that.
      const { code, name: kind } = error as NodeJS.ErrnoException;
      return { line, reason: `cannot be read (${code ?? kind})` };
    }
  }
}

function named(client: string): { readonly client?: string } {
  return isPlainName(client) ? { client } : {};
}

/** What is wrong with options, field by field, in a sentence that holds no secret. */
export function optionsSentence(issues: readonly z.core.$ZodIssue[]): string {
  return issues.map((issue) => [issue.path.join('.'), messageOf(issue)].filter(Boolean).join(' ')).join('; ');
}

/** What a line that is broken made a field of may be a secret. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  return issue.keys.filter((key) => !isPlainName(key)).reduce((text, key) => text.replaceAll(key, '…'), issue.message);
}

/** The issues of a file that holds one entry, as those of the entry. */
function faultOf({ issues }: z.ZodError, lineOf: YamlEntry['lineOf']): Omit<YamlFault, 'entry'> {
  const ofEntry = issues.flatMap((issue) =>
    issue.code === 'invalid_key' ? issue.issues : [{ ...issue, path: issue.path.slice(1) }],
  );
  const [first] = ofEntry;
  const path =
    first === undefined ? [] : first.code === 'unrecognized_keys' ? [...first.path, ...first.keys] : first.path;
  return { line: lineOf(path), reason: optionsSentence(ofEntry) };
}
