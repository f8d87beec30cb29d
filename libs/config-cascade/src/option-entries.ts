import { isDeepStrictEqual } from 'node:util';
import { log } from '@pns/runtime';
import type { z } from 'zod';

/** What of an option file cannot be used, in a sentence that holds no secret. */
export interface OptionFault {
  readonly file: string;
  /** Absent where the file as a whole is at fault, or the name of the client is. */
  readonly client?: string;
  readonly reason: string;
}

/**
 * The entries of an option file, one for each client. Each is read for itself: a faulty one keeps what it said before, or
 * is left out where it never could be read, and the others work.
 */
export class OptionEntries<Options> {
  private entries: ReadonlyMap<string, Options> = new Map();
  private known: readonly OptionFault[] = [];
  private whole: string | undefined;

  /** `content` throws a sentence when the file as a whole cannot be read; `schema` is that of the whole file. */
  constructor(
    private readonly file: string,
    private readonly content: () => unknown,
    private readonly schema: z.ZodType<Readonly<Record<string, Options>>>,
  ) {}

  /** The options of a client; the same object until something about them changes. */
  of(client: string): Options | undefined {
    return this.entries.get(client);
  }

  /** The names of the entries, those that cannot be used included. */
  get clients(): readonly string[] {
    const refused = this.known.flatMap(({ client }) => (client === undefined ? [] : [client]));
    return [...new Set([...this.entries.keys(), ...refused])];
  }

  /** Why a client has no options although it may have an entry; undefined for one that has options, or no entry. */
  refusal(client: string): string | undefined {
    if (this.entries.has(client)) return undefined;
    const fault = this.known.find((each) => each.client === client);
    return fault === undefined ? this.whole : `${fault.file}: ${fault.reason}`;
  }

  /** Why the file as a whole cannot be read now; undefined when it can. */
  get unreadable(): string | undefined {
    return this.whole;
  }

  /** What cannot be used of the file as it stands. */
  get faults(): readonly OptionFault[] {
    return this.known;
  }

  /** Reads the file again and logs what cannot be used, unless that was said before. `event` is the name of the log line. */
  read(event: string): void {
    const faults: OptionFault[] = [];
    this.whole = undefined;
    try {
      this.entries = this.entriesIn(this.content(), faults);
    } catch (error) {
      this.whole = (error as Error).message;
      faults.push({ file: this.file, reason: this.whole });
    }
    for (const fault of faults) {
      if (!this.known.some((known) => isDeepStrictEqual(known, fault))) log.error({ event, ...fault });
    }
    this.known = faults;
  }

  private entriesIn(content: unknown, faults: OptionFault[]): Map<string, Options> {
    const { file } = this;
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      throw new Error(`${file} holds no entries; it is to name each client, and below it what is set for it.`);
    }
    const entries = new Map<string, Options>();
    for (const [index, [client, entry]] of Object.entries(content).entries()) {
      const before = this.entries.get(client);
      const read = this.entry(client, entry);
      if ('options' in read) {
        entries.set(client, isDeepStrictEqual(before, read.options) ? (before ?? read.options) : read.options);
        continue;
      }
      if (before !== undefined) entries.set(client, before);
      const { reason } = read;
      const isNamed = /^[\w.-]{1,64}$/.test(client);
      faults.push(isNamed ? { file, client, reason } : { file, reason: `Entry ${index + 1}: ${reason}` });
    }
    return entries;
  }

  private entry(client: string, entry: unknown): { readonly options: Options } | { readonly reason: string } {
    try {
      const { data, error } = this.schema.safeParse({ [client]: entry });
      if (error !== undefined) return { reason: sentenceOf(error) };
      const options = Object.hasOwn(data, client) ? data[client] : undefined;
      return options === undefined ? { reason: 'is not the name of a client' } : { options };
    } catch (error) {
      // Of a file that no parser expected; what it says may quote that.
      const { code, name } = error as NodeJS.ErrnoException;
      return { reason: `cannot be read (${code ?? name})` };
    }
  }
}

/** Field by field; what a line that is broken made a field of may be a secret. */
function sentenceOf({ issues }: z.ZodError): string {
  return issues
    .flatMap((issue) => (issue.code === 'invalid_key' ? issue.issues : [{ ...issue, path: issue.path.slice(1) }]))
    .map((issue) => {
      const odd = issue.code === 'unrecognized_keys' ? issue.keys.filter((key) => !/^\w{1,40}$/.test(key)) : [];
      const message = odd.reduce((text, key) => text.replaceAll(key, '…'), issue.message);
      return [issue.path.join('.'), message].filter(Boolean).join(' ');
    })
    .join('; ');
}
