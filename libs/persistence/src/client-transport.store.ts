import { Injectable } from '@nestjs/common';
import type { TransportName } from '@pns/transport-contract';
import { DataSource } from 'typeorm';
import { versionChanged } from './config.store';
import { Seal } from './seal';

/** What names the options of one client for one transport. */
export interface ClientTransportKey {
  readonly client: string;
  readonly transport: TransportName;
}

/** Options as they were given; their version is another one after each write. */
export interface ClientTransport extends ClientTransportKey {
  /** Undefined when they cannot be decrypted; `fault` says why. */
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

/** The options of clients that were set over the API, in Postgres, encrypted. */
@Injectable()
export class ClientTransportStore {
  constructor(
    private readonly database: DataSource,
    private readonly seal: Seal,
  ) {}

  /** All of them, by client and transport: there are as many as an operator has apps. */
  async all(): Promise<ClientTransport[]> {
    const rows = await this.database.query<Row[]>(
      `SELECT ${columns} FROM client_transports ORDER BY client, transport`,
    );
    return rows.map((row) => this.toClientTransport(row));
  }

  async get({ client, transport }: ClientTransportKey): Promise<ClientTransport | undefined> {
    const [row] = await this.database.query<Row[]>(
      `SELECT ${columns} FROM client_transports WHERE client = $1 AND transport = $2`,
      [client, transport],
    );
    return row === undefined ? undefined : this.toClientTransport(row);
  }

  /** Sets options and answers their new version. @throws PnsError `VERSION_CHANGED` unless they have `ifVersion`. */
  async put(key: ClientTransportKey, options: unknown, ifVersion?: string): Promise<string> {
    const { client, transport } = key;
    const change = `options = $3, version = nextval('config_version'), updated_at = now()`;
    const values = [client, transport, this.seal.seal(JSON.stringify(options), placeOf(key))];
    if (ifVersion === undefined) {
      const [row] = await this.database.query<{ version: string }[]>(
        `INSERT INTO client_transports (client, transport, options) VALUES ($1, $2, $3)
         ON CONFLICT (client, transport) DO UPDATE SET ${change} RETURNING version`,
        values,
      );
      if (row === undefined) throw new Error('An upsert of options returned no row.');
      return row.version;
    }
    const [[row]] = await this.database.query<[{ version: string }[], number]>(
      `UPDATE client_transports SET ${change} WHERE client = $1 AND transport = $2 AND version = $4 RETURNING version`,
      [...values, ifVersion],
    );
    if (row === undefined) throw versionChanged();
    return row.version;
  }

  /** Whether there were any. @throws PnsError `VERSION_CHANGED` unless they have `ifVersion`. */
  async remove({ client, transport }: ClientTransportKey, ifVersion?: string): Promise<boolean> {
    const [, removed] = await this.database.query<[unknown, number]>(
      'DELETE FROM client_transports WHERE client = $1 AND transport = $2 AND ($3::bigint IS NULL OR version = $3)',
      [client, transport, ifVersion ?? null],
    );
    if (removed === 0 && ifVersion !== undefined) throw versionChanged();
    return removed > 0;
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

function placeOf({ client, transport }: ClientTransportKey): string {
  return `client_transports ${client} ${transport}`;
}
