import { Injectable } from '@nestjs/common';
import { OptionFiles, type OptionEntries } from '@pns/config-folder';
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

/** The clients of `websocket-clients.yml` as they are now: a change of the file takes effect without a restart. */
@Injectable()
export class WebsocketClients {
  private readonly entries: OptionEntries<WebsocketClient>;
  private known:
    { readonly from: ReadonlyMap<string, WebsocketClient>; readonly clients: WebsocketClientOptions } | undefined;

  constructor(files: OptionFiles) {
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

  /** The clients of the file, or the default clients if no entry of the file can be used. */
  private get clients(): WebsocketClientOptions {
    const { all } = this.entries;
    if (this.known?.from !== all) {
      this.known = { from: all, clients: all.size === 0 ? defaultWebsocketClients : Object.fromEntries(all) };
    }
    return this.known.clients;
  }
}
