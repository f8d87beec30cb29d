import type { ClientTransport, ClientTransportStore } from '@pns/persistence';
import { log, RecurringFault } from '@pns/runtime';
import type { TransportName } from '@pns/transport-contract';
import type { z } from 'zod';
import { optionsSentence, type OptionEntries, type OptionFault } from './option-entries';
import type { OptionFiles } from './option-files';
import type { ServerChanges } from './server-changes';

/** Returns the current options of a client: the same object until they change; undefined for an unknown client. */
export type OptionsOf<Options> = (client: string) => Options | undefined;

/** The schema of a whole option file. The file may name further files by paths relative to the configuration folder. */
type FileSchema<Options> = (readFile: (path: string) => Buffer) => z.ZodType<Readonly<Record<string, Options>>>;

/** A fault in a transport's option file. */
export interface ClientOptionsFault extends OptionFault {
  readonly transport: TransportName;
}

/** Whether deliveries of a client can be sent, or why not. */
export type ClientStanding =
  | { readonly kind: 'usable' }
  /** Its entry has `enabled: false`. */
  | { readonly kind: 'switched-off' }
  /** It has an entry that cannot be used. `reason` is for operators: it contains file and field names, and no secret. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** It has no entry. */
  | { readonly kind: 'missing' };

/** The readers of one transport's options, and the parsed options that were set over the API. */
interface Registered {
  readonly ofFile: Pick<OptionEntries<unknown>, 'of' | 'clients' | 'refusal' | 'faults'>;
  readonly schema: z.ZodType;
  readonly read: Map<string, ReadOptions>;
}

interface ReadOptions {
  readonly version: string;
  readonly options?: unknown;
  /** Why the options cannot be used. */
  readonly fault?: string;
}

/** A reload that failed because Postgres did not answer is retried after this time, in ms. */
const retryMs = 500;

/**
 * The options of each client for each transport, from the option files and from the API; the API takes precedence. A change of
 * either takes effect without a restart. While an entry cannot be read, its previous options stay in effect.
 */
export class ClientOptions {
  private stored: ReadonlyMap<string, ClientTransport> = new Map();
  private readonly registered = new Map<TransportName, Registered>();
  private refreshing: Promise<void> | undefined;
  private wantedRefreshes = 0;
  private retry: NodeJS.Timeout | undefined;
  private readonly loadFault = new RecurringFault('client-options.not-loaded', 'client-options.loaded');
  private isClosed = false;
  private readonly stopListening: () => void;

  constructor(
    private readonly files: OptionFiles,
    private readonly store: Pick<ClientTransportStore, 'all'>,
    changes: ServerChanges,
  ) {
    this.stopListening = changes.onChange(() => this.refresh());
  }

  static async open(
    files: OptionFiles,
    store: Pick<ClientTransportStore, 'all'>,
    changes: ServerChanges,
  ): Promise<ClientOptions> {
    const options = new ClientOptions(files, store, changes);
    try {
      await options.load();
    } catch (error) {
      options.close(); // otherwise `options` would keep its listener and its retries, although the app does not start
      throw error;
    }
    return options;
  }

  /**
   * Reads the options of a transport's clients, and returns a function that returns the options of one client. `schema` parses
   * options that were set over the API. An unusable file or entry does not throw; `faults` and `standing` report it.
   */
  of<Options>(
    transport: TransportName,
    file: string,
    fileSchema: FileSchema<Options>,
    schema: z.ZodType<Options>,
  ): OptionsOf<Options> {
    const ofFile = this.files.entries(
      file,
      fileSchema((path) => this.files.readFile(path)),
    );
    this.registered.set(transport, { ofFile, schema, read: new Map() });
    return (client) => {
      const stored = this.stored.get(keyOf({ client, transport }));
      return stored === undefined ? ofFile.of(client) : (this.readStored(stored)?.options as Options | undefined);
    };
  }

  /** Whether deliveries of `client` can be sent through `transport`. `of` must have been called for the transport. */
  standing(transport: TransportName, client: string): ClientStanding {
    const ofFile = this.registered.get(transport)?.ofFile;
    const stored = this.stored.get(keyOf({ client, transport }));
    const read = stored === undefined ? undefined : this.readStored(stored);
    if (read?.fault !== undefined) return { kind: 'refused', reason: `what was set over the API: ${read.fault}` };
    const options = read === undefined ? ofFile?.of(client) : read.options;
    if (options !== undefined) return { kind: isSwitchedOff(options) ? 'switched-off' : 'usable' };
    const reason = ofFile?.refusal(client);
    return reason === undefined ? { kind: 'missing' } : { kind: 'refused', reason };
  }

  /** The clients of a transport whose entries cannot be used, if their names are known. */
  refused(transport: TransportName): readonly string[] {
    const faulty = this.registered.get(transport)?.ofFile.faults.flatMap(({ client }) => client ?? []) ?? [];
    const stored = [...this.stored.values()].filter((each) => each.transport === transport);
    const names = new Set([...faulty, ...stored.map(({ client }) => client)]);
    return [...names].filter((client) => this.standing(transport, client).kind === 'refused');
  }

  /** The clients of a transport that have an entry, usable or not. */
  clients(transport: TransportName): ReadonlySet<string> {
    const stored = [...this.stored.values()].filter((each) => each.transport === transport);
    return new Set([...(this.registered.get(transport)?.ofFile.clients ?? []), ...stored.map(({ client }) => client)]);
  }

  /** The current faults in the option files that this process reads. */
  get faults(): readonly ClientOptionsFault[] {
    return [...this.registered].flatMap(([transport, { ofFile }]) =>
      ofFile.faults.map((fault) => ({ transport, ...fault })),
    );
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.stopListening();
  }

  /** Parses options that were set over the API. This may fail in an earlier version of PNS, or without their encryption key. */
  private readStored(stored: ClientTransport): ReadOptions | undefined {
    const { client, transport, version, options, fault: storedFault } = stored;
    const registered = this.registered.get(transport);
    const known = registered?.read.get(client);
    if (registered === undefined || known?.version === version) return known;
    const parsed = storedFault === undefined ? registered.schema.safeParse(options) : undefined;
    const fault = storedFault ?? (parsed?.error === undefined ? undefined : optionsSentence(parsed.error.issues));
    if (fault !== undefined) log.error({ event: 'client-options.unreadable', client, transport, reason: fault });
    const read = fault === undefined ? { version, options: parsed?.data } : { version, fault };
    registered.read.set(client, read);
    return read;
  }

  private async load(): Promise<void> {
    this.stored = new Map((await this.store.all()).map((each) => [keyOf(each), each]));
  }

  /**
   * Reads the options of the API again. Resolves when changes that were written before the call are in effect, or when a retry is
   * planned because Postgres is away. Never rejects.
   */
  private refresh(): Promise<void> {
    this.wantedRefreshes++;
    this.refreshing ??= this.refreshUntilLatest();
    return this.refreshing;
  }

  /** Makes one query after the other, because the older result of two simultaneous queries could arrive last. */
  private async refreshUntilLatest(): Promise<void> {
    clearTimeout(this.retry);
    try {
      let seen: number;
      do {
        seen = this.wantedRefreshes;
        await this.load();
      } while (seen !== this.wantedRefreshes);
      this.loadFault.isOver();
    } catch (error) {
      if (this.isClosed) return;
      this.loadFault.occurred(error);
      this.retry = setTimeout(() => void this.refresh(), retryMs);
    } finally {
      this.refreshing = undefined; // set at once, so that the next call does not get this finished promise
    }
  }
}

function isSwitchedOff(options: unknown): boolean {
  return (options as { readonly enabled?: unknown }).enabled === false;
}

function keyOf({ client, transport }: { client: string; transport: TransportName }): string {
  return `${transport} ${client}`;
}
