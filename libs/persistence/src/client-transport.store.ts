import { Injectable } from '@nestjs/common';
import type { TransportName } from '@pns/transport-contract';
import { DataSource } from 'typeorm';
import { keyedPageOf, keyIn, type Page, type PageRequest } from './page';
import { Seal } from './seal';
import { putRow, removeRow, type Expected } from './versioned-row';

/** The key of the options of one client for one transport. */
export interface ClientTransportKey {
  readonly client: string;
  readonly transport: TransportName;
}

/** Stored options. Each write gives them a new version. */
export interface ClientTransport extends ClientTransportKey {
  /** Undefined when the options cannot be decrypted; `fault` is the reason. */
  readonly options: unknown;
  readonly fault?: string;
  readonly version: string;
  /** In ms since the epoch. */
  readonly updatedAt: number;
}

interface Row extends ClientTransportKey {
  readonly options: Buffer;
  readonly version: string;
  readonly updatedAt: Date;
}

const columns = 'client, transport, options, version, updated_at AS "updatedAt"';

/** The client options that were set through the API, encrypted in Postgres. */
@Injectable()
export class ClientTransportStore {
  constructor(
    private readonly database: DataSource,
    private readonly seal: Seal,
  ) {}

  /** All options, ordered by client and transport. Their number is about the number of the operator's apps. */
  async all(): Promise<ClientTransport[]> {
    const rows = await this.database.query<Row[]>(
      `SELECT ${columns} FROM client_transports ORDER BY client, transport`,
    );
    return rows.map((row) => this.toClientTransport(row));
  }

  /** Like `all`, page by page. */
  async page({ limit, cursor }: PageRequest): Promise<Page<ClientTransport>> {
    const [client = null, transport = null] = keyIn(cursor, ['string', 'string']) ?? [];
    const rows = await this.database.query<Row[]>(
      `SELECT ${columns} FROM client_transports
       WHERE $1::text IS NULL OR (client, transport) > ($1, $2) ORDER BY client, transport LIMIT $3`,
      [client, transport, limit + 1],
    );
    return keyedPageOf(
      rows.map((row) => this.toClientTransport(row)),
      limit,
      (each) => [each.client, each.transport],
    );
  }

  async get({ client, transport }: ClientTransportKey): Promise<ClientTransport | undefined> {
    const [row] = await this.database.query<Row[]>(
      `SELECT ${columns} FROM client_transports WHERE client = $1 AND transport = $2`,
      [client, transport],
    );
    return row === undefined ? undefined : this.toClientTransport(row);
  }

  /** Sets options and returns the stored entry. @throws PnsError `VERSION_CHANGED` when their version is not `expected`. */
  async put(
    { client, transport }: ClientTransportKey,
    options: unknown,
    expected?: Expected,
  ): Promise<ClientTransport> {
    const key = { client, transport };
    const updatedAt = new Date();
    const values = { options: this.seal.seal(JSON.stringify(options), placeOf(key)), updated_at: updatedAt };
    const version = await putRow(this.database.manager, 'client_transports', columnsOf(key), values, expected);
    return { ...key, options, version, updatedAt: updatedAt.getTime() };
  }

  /** Removes options; returns whether they existed. @throws PnsError `VERSION_CHANGED` when their version is not `expected`. */
  remove(key: ClientTransportKey, expected?: Expected): Promise<boolean> {
    return removeRow(this.database.manager, 'client_transports', columnsOf(key), expected);
  }

  private toClientTransport({ options, updatedAt, ...row }: Row): ClientTransport {
    const rest = { ...row, updatedAt: updatedAt.getTime() };
    try {
      return { ...rest, options: JSON.parse(this.seal.open(options, placeOf(row))) as unknown };
    } catch (error) {
      return { ...rest, options: undefined, fault: (error as Error).message };
    }
  }
}

function columnsOf({ client, transport }: ClientTransportKey): Readonly<Record<string, string>> {
  return { client, transport };
}

function placeOf({ client, transport }: ClientTransportKey): string {
  return clientTransportPlace(client, transport);
}

/** Names the row of a client's options, for the parameter `place` of `Seal`. */
export function clientTransportPlace(client: string, transport: string): string {
  return `client_transports ${client} ${transport}`;
}
