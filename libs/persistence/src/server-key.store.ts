import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Seal } from './seal';

/** Pairs of keys that belong to the server as a whole, encrypted in Postgres. */
@Injectable()
export class ServerKeyStore {
  constructor(
    private readonly database: DataSource,
    private readonly seal: Seal,
  ) {}

  /**
   * Returns the pair with this name. The first call in any process stores the pair that `make` returns. A pair that was encrypted
   * with an older key is encrypted again, so that the older key can be removed.
   *
   * @throws PnsError as `Seal.open` does.
   */
  async pair<Pair>(name: string, make: () => Pair): Promise<Pair> {
    const known = await this.stored<Pair>(name);
    if (known !== undefined) return known;
    await this.database.query('INSERT INTO server_keys (name, pair) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      name,
      this.seal.seal(JSON.stringify(make()), serverKeyPlace(name)),
    ]);
    const made = await this.stored<Pair>(name);
    if (made === undefined) throw new Error(`The keys ${name} were removed while they were made.`);
    return made;
  }

  private async stored<Pair>(name: string): Promise<Pair | undefined> {
    const rows = await this.database.query<{ pair: Buffer }[]>('SELECT pair FROM server_keys WHERE name = $1', [name]);
    const [row] = rows;
    if (row === undefined) return undefined;
    const text = this.seal.open(row.pair, serverKeyPlace(name));
    if (!this.seal.isCurrent(row.pair)) {
      const sealed = this.seal.seal(text, serverKeyPlace(name));
      // The pair itself never changes, so it does not matter which of concurrent processes writes last.
      await this.database.query('UPDATE server_keys SET pair = $2 WHERE name = $1', [name, sealed]);
    }
    return JSON.parse(text) as Pair;
  }
}

/** Names the row of a pair, for the parameter `place` of `Seal`. */
export function serverKeyPlace(name: string): string {
  return `server_keys ${name}`;
}
