import {
  clientAt,
  clientWants,
  defaultWebsocketClients,
  pathConflicts,
  topicsOf,
  websocketClientsSchema,
  type WebsocketClient,
  type WebsocketClientOptions,
} from './websocket.options';

/** Reads an option file, and reads it again after each change: `OptionFiles` of the configuration folder does so. */
interface OptionFileReader {
  entries(
    file: string,
    schema: typeof websocketClientsSchema,
    conflicts: typeof pathConflicts,
  ): { readonly all: ReadonlyMap<string, WebsocketClient> };
}

/** The clients of `websocket-clients.yml` as they are now: a change of the file takes effect without a restart. */
export class WebsocketClients {
  private readonly entries: { readonly all: ReadonlyMap<string, WebsocketClient> };
  private known:
    { readonly from: ReadonlyMap<string, WebsocketClient>; readonly clients: WebsocketClientOptions } | undefined;

  constructor(files: OptionFileReader) {
    this.entries = files.entries('websocket-clients.yml', websocketClientsSchema, pathConflicts);
  }

  /** The client that a handshake at `path` is for. */
  clientAt(path: string): string | undefined {
    return clientAt(this.clients, path);
  }

  /** The topic patterns of `client`; none for an unknown client. */
  topicsOf(client: string): readonly string[] {
    return topicsOf(this.clients, client);
  }

  /** Whether sockets of `client` get notifications of `topic`. */
  wants(client: string, topic: string): boolean {
    return clientWants(this.clients, client, topic);
  }

  /** The default clients, where the file has no entry that can be used. */
  private get clients(): WebsocketClientOptions {
    const { all } = this.entries;
    if (this.known?.from !== all) {
      this.known = { from: all, clients: all.size === 0 ? defaultWebsocketClients : Object.fromEntries(all) };
    }
    return this.known.clients;
  }
}
