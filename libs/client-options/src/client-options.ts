import { isDeepStrictEqual } from 'node:util';
import type { ConfigCascade, OptionFile, OptionFiles } from '@pns/config-cascade';
import type { ClientTransport, ClientTransportStore } from '@pns/persistence';
import { log } from '@pns/runtime';
import type { TransportName } from '@pns/transport-contract';
import { z } from 'zod';

/** The options of a client now: the same object until something about them changes; undefined for an unknown client. */
export type OptionsOf<Options> = (client: string) => Options | undefined;

/** The schema of a whole option file, which may name further files; their paths begin at the configuration folder. */
export type FileSchema<Options> = (readFile: (path: string) => Buffer) => z.ZodType<Readonly<Record<string, Options>>>;

/** A reload that Postgres did not answer is tried again after this time, in ms. */
const retryMs = 500;

/**
 * What each client's account with a provider needs, from the option files and from what was set over the API, which
 * wins. Obeys a change of either without a restart; a change that cannot be read leaves what held before.
 */
export class ClientOptions {
  private stored: ReadonlyMap<string, ClientTransport> = new Map();
  private retry: NodeJS.Timeout | undefined;
  private isClosed = false;
  private readonly stopListening: () => void;

  constructor(
    private readonly files: OptionFiles,
    private readonly store: ClientTransportStore,
    cascade: ConfigCascade,
  ) {
    this.stopListening = cascade.onChange(() => void this.reload());
  }

  static async open(files: OptionFiles, store: ClientTransportStore, cascade: ConfigCascade): Promise<ClientOptions> {
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
   * @throws PnsError `CONFIG_INVALID` when the file cannot be read now.
   */
  of<Options>(
    transport: TransportName,
    file: string,
    fileSchema: FileSchema<Options>,
    schema: z.ZodType<Options>,
  ): OptionsOf<Options> {
    const ofFile = settled(
      this.files.load(
        file,
        fileSchema((path) => this.files.readFile(path)),
      ),
    );
    const read = new Map<string, { readonly version: string; readonly options: Options | undefined }>();
    return (client) => {
      const stored = this.stored.get(keyOf({ client, transport }));
      if (stored === undefined) return ofFile(client);
      const known = read.get(client);
      if (known?.version === stored.version) return known.options;
      const options = readOptions(stored, schema);
      read.set(client, { version: stored.version, options });
      return options;
    };
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.stopListening();
  }

  private async load(): Promise<void> {
    this.stored = new Map((await this.store.all()).map((each) => [keyOf(each), each]));
  }

  private async reload(): Promise<void> {
    clearTimeout(this.retry);
    try {
      await this.load();
    } catch (error) {
      if (this.isClosed) return;
      log.warn({ event: 'client-options.not-loaded', reason: (error as Error).message });
      this.retry = setTimeout(() => void this.reload(), retryMs);
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

/** A reload makes new objects of all entries; whoever keeps connections by them only wants to hear of real changes. */
function settled<Options>(file: OptionFile<Readonly<Record<string, Options>>>): OptionsOf<Options> {
  let seen = file.current();
  let entries = new Map(Object.entries(seen));
  return (client) => {
    const current = file.current();
    if (current !== seen) {
      const before = entries;
      entries = new Map(
        Object.entries(current).map(([id, options]) => {
          const known = before.get(id);
          return [id, known !== undefined && isDeepStrictEqual(known, options) ? known : options];
        }),
      );
      seen = current;
    }
    return entries.get(client);
  };
}

function keyOf({ client, transport }: { client: string; transport: TransportName }): string {
  return `${transport} ${client}`;
}
