import { Redis } from 'ioredis';
import { Client } from 'pg';

/** Tables that are ignored, because earlier requests change them after the answer. Refused requests are not recorded in them. */
const changedLater = /^(history_|usage_|failed_deliver|pending_|migrations|typeorm)/;

/** The data in Postgres and Redis that a request can change before its answer. */
export class StoredState {
  private constructor(
    private readonly database: Client,
    private readonly redis: Redis,
    private readonly sql: string,
  ) {}

  static async open(databaseUrl: string, redisUrl: string): Promise<StoredState> {
    const database = new Client({ connectionString: databaseUrl });
    await database.connect();
    const { rows } = await database.query<{ name: string; without: string }>(
      `SELECT table_name AS name, coalesce(string_agg(column_name, ',') FILTER (WHERE column_name ~ 'last_used'), '') AS without
       FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name ORDER BY table_name`,
    );
    const kept = rows.filter(({ name }) => !changedLater.test(name));
    return new StoredState(database, new Redis(redisUrl), kept.map(digestOf).join(' UNION ALL '));
  }

  /** Returns a text for each table and kind of key. A write changes the text of its table, also if it stored the same values. */
  async digest(): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.database.query<{ name: string; digest: string }>(this.sql);
    const orders = await this.redis.keys('{pns:*}:order');
    const counts = orders.length === 0 ? [] : await this.redis.mget(...orders);
    const accepted = counts.reduce((sum, count) => sum + Number(count), 0);
    const ended = await Promise.all(
      ['pns:sessions:ended', 'pns:sessions:ended:owners'].map((key) => this.redis.zcard(key)),
    );
    return new Map([
      ...rows.map(({ name, digest }) => [name, digest] as const),
      ['accepted notifications', String(accepted)],
      ['ended sessions', ended.join(' ')],
    ]);
  }

  async close(): Promise<void> {
    this.redis.disconnect();
    await this.database.end();
  }
}

/** The query for a table's digest. A row's `xmin` changes with every write. The times of last use, in `without`, are ignored. */
function digestOf({ name, without }: { name: string; without: string }): string {
  const row =
    without === ''
      ? 't.xmin::text::bigint'
      : `hashtext((to_jsonb(t) - ARRAY['${without.split(',').join("','")}'])::text)`;
  return `SELECT '${name}' AS name, count(*) || ' ' || coalesce(sum(${row}), 0) AS digest FROM "${name}" t`;
}

/** The parts that differ between two digests. */
export function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...before.keys()].filter((name) => before.get(name) !== after.get(name));
}
