import { Injectable } from '@nestjs/common';
import { OptionFiles, type OptionFile } from '@pns/config-cascade';
import {
  clientAt,
  clientWants,
  topicsOf,
  websocketClientsSchema,
  type WebsocketClientOptions,
} from './websocket-clients';

/** The clients of `websocket-clients.yml` as they are now: a change of the file is obeyed without a restart. */
@Injectable()
export class WebsocketClients {
  private readonly file: OptionFile<WebsocketClientOptions>;

  constructor(files: OptionFiles) {
    this.file = files.load('websocket-clients.yml', websocketClientsSchema);
  }

  /** The client that a handshake at `path` is for. */
  clientAt(path: string): string | undefined {
    return clientAt(this.file.current(), path);
  }

  /** What sockets of `client` hear of; nothing for a client that is not known. */
  topicsOf(client: string): readonly string[] {
    return topicsOf(this.file.current(), client);
  }

  /** Whether sockets of `client` hear of `topic`. */
  wants(client: string, topic: string): boolean {
    return clientWants(this.file.current(), client, topic);
  }
}
