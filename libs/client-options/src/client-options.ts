import type { ConfigCascade, OptionEntries, OptionFault, OptionFiles } from '@pns/config-cascade';
import type { ClientTransport, ClientTransportStore } from '@pns/persistence';
import { log, PnsError, RecurringFault } from '@pns/runtime';
import type { TransportName } from '@pns/transport-contract';
import { z } from 'zod';

/** The options of a client now: the same object until something about them changes; undefined for an unknown client. */
export type OptionsOf<Options> = (client: string) => Options | undefined;

/** The schema of a whole option file, which may name further files; their paths begin at the configuration folder. */
export type FileSchema<Options> = (readFile: (path: string) => Buffer) => z.ZodType<Readonly<Record<string, Options>>>;

/** What cannot be used of a transport's option file. */
export interface ClientOptionsFault extends OptionFault {
  readonly transport: TransportName;
}

/** A reload that Postgres did not answer is tried again after this time, in ms. */
const retryMs = 500;

/**
 * What each client's account with a provider needs, from the option files and from what was set over the API, which
 * wins. Obeys a change of either without a restart; a change that cannot be read leaves what held before.
 */
export class ClientOptions {
  private stored: ReadonlyMap<string, ClientTransport> = new Map();
  private readonly inspected = new Map<TransportName, OptionEntries<unknown>>();
  private refreshing: Promise<void> | undefined;
  private wantedRefreshes = 0;
  private retry: NodeJS.Timeout | undefined;
  private readonly loadFault = new RecurringFault('client-options.not-loaded', 'client-options.loaded');
  private isClosed = false;
  private readonly stopListening: () => void;

  constructor(
    private readonly files: OptionFiles,
    private readonly store: Pick<ClientTransportStore, 'all'>,
    cascade: ConfigCascade,
  ) {
    this.stopListening = cascade.onChange(() => this.refresh());
  }

  static async open(
    files: OptionFiles,
    store: Pick<ClientTransportStore, 'all'>,
    cascade: ConfigCascade,
  ): Promise<ClientOptions> {
    const options = new ClientOptions(files, store, cascade);
    try {
      await options.load();
    } catch (error) {
      options.close(); // or it would go on listening and trying for an app that never starts
      throw error;
    }
    return options;
  }

  /**
   * How to find the options of a transport's clients. `schema` reads what was set over the API.
   *
   * @throws PnsError `CONFIG_INVALID` when the file as a whole cannot be read now.
   */
  of<Options>(
    transport: TransportName,
    file: string,
    fileSchema: FileSchema<Options>,
    schema: z.ZodType<Options>,
  ): OptionsOf<Options> {
    const ofFile = this.inspect(transport, file, fileSchema);
    if (ofFile.unreadable !== undefined) throw new PnsError('CONFIG_INVALID', ofFile.unreadable);
    const read = new Map<string, { readonly version: string; readonly options: Options | undefined }>();
    return (client) => {
      const stored = this.stored.get(keyOf({ client, transport }));
      if (stored === undefined) return ofFile.of(client);
      const known = read.get(client);
      if (known?.version === stored.version) return known.options;
      const options = readOptions(stored, schema);
      read.set(client, { version: stored.version, options });
      return options;
    };
  }

  /** Reads an option file, to tell in `faults` what of it cannot be used; one that cannot be read at all is a fault as well. */
  inspect<Options>(transport: TransportName, file: string, fileSchema: FileSchema<Options>): OptionEntries<Options> {
    const entries = this.files.entries(
      file,
      fileSchema((path) => this.files.readFile(path)),
    );
    this.inspected.set(transport, entries);
    return entries;
  }

  /** What cannot be used now of the option files that this process reads. */
  get faults(): readonly ClientOptionsFault[] {
    return [...this.inspected].flatMap(([transport, { faults }]) => faults.map((fault) => ({ transport, ...fault })));
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.stopListening();
  }

  private async load(): Promise<void> {
    this.stored = new Map((await this.store.all()).map((each) => [keyOf(each), each]));
  }

  /** Resolves when what was written before the call is obeyed, or, while Postgres is away, is going to be. Never rejects. */
  private refresh(): Promise<void> {
    this.wantedRefreshes++;
    this.refreshing ??= this.refreshUntilLatest();
    return this.refreshing;
  }

  /** One reading after the other: of two at once, the older could be the last to arrive. */
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
      this.refreshing = undefined; // before anybody can ask again and be given this one, which is over
    }
  }
}

/** What was checked when it was set may still be unreadable: by a version that knows less, or without its key. */
function readOptions<Options>(stored: ClientTransport, schema: z.ZodType<Options>): Options | undefined {
  const { client, transport, options, fault } = stored;
  const parsed = fault === undefined ? schema.safeParse(options) : undefined;
  if (parsed?.success === true) return parsed.data;
  const reason = fault ?? z.prettifyError(parsed?.error ?? new z.ZodError([]));
  log.error({ event: 'client-options.unreadable', client, transport, reason });
  return undefined;
}

function keyOf({ client, transport }: { client: string; transport: TransportName }): string {
  return `${transport} ${client}`;
}
