import type { Client } from 'pg';

const dayMs = 86_400_000;

/** The number of days with rows. Queries read the last two days. */
const days = 3;

/** Notifications of a user in a day, except for the busy user. */
const perUser = 20;

/** Of this number of notifications, one belongs to the busy user. */
const busyPart = 200;

/**
 * Of this number of notifications, one has rows for its window and its attempt. The windows and attempts of the others are
 * packed.
 */
const rowPart = 10;

/** The number of records in a pack, and the number of characters of a record. */
const perPack = 100;
const recordLength = 150;

/** The number that identifies the owner of a record in a pack. */
export const packedOwner = ({ context, user }: { readonly context: number; readonly user: number }): number =>
  context * 1_000_000 + user;

/** The user with very many notifications. */
export const busyUser = { context: 1, user: 1 };

/** A history of three days. `oldest` and `newest` are the beginnings of its first and last day, in ms since the epoch. */
export interface Stock {
  readonly oldest: number;
  readonly newest: number;
  /** The rows of all tables for each notification, and their bytes with indexes. */
  readonly rowsEach: number;
  readonly bytesEach: number;
}

/**
 * Fills the tables of the history with `records` records: a third each are notifications, windows and attempts. All notifications
 * were sent alone and delivered to one socket at the first attempt.
 */
export async function fillHistory(client: Client, records: number, say: (line: string) => void): Promise<Stock> {
  const newest = Date.now() - (Date.now() % dayMs);
  const oldest = newest - (days - 1) * dayMs;
  const perDay = Math.ceil(records / 3 / days);
  await client.query(`SET synchronous_commit = off`);
  await client.query(`SET maintenance_work_mem = '1GB'`);
  await client.query(`SET work_mem = '256MB'`);
  for (let day = oldest; day <= newest; day += dayMs) {
    for (const statement of statementsOf(day, perDay)) await client.query(statement);
    say(`${new Date(day).toISOString().slice(0, 10)}: ${(3 * perDay).toLocaleString('en-US')} records`);
  }
  await client.query('ANALYZE history_notifications, history_windows, history_attempts, history_packs');
  const { rows: sizes } = await client.query<{ bytes: string }>(
    `SELECT sum(pg_total_relation_size(inhrelid)) AS bytes FROM pg_inherits WHERE inhparent::regclass::text LIKE 'history\\_%'
     AND inhrelid::regclass::text ~ '_[0-9]{8}$'`,
  );
  return {
    oldest,
    newest,
    rowsEach: 1 + 2 / rowPart + (2 * (1 - 1 / rowPart)) / perPack,
    bytesEach: Number(sizes[0]?.bytes) / perDay / days,
  };
}

/** The SQL that fills the tables of a day, then attaches them as partitions. Their indexes are built last, which is faster. */
function statementsOf(day: number, count: number): string[] {
  const suffix = new Date(day).toISOString().slice(0, 10).replaceAll('-', '');
  const users = Math.max(1, Math.floor(count / perUser));
  const digest = (of: string, length: number) =>
    `left(translate(encode(sha256(${of}::text::bytea), 'base64'), '+/', '-_'), ${length})`;
  const from = new Date(day).toISOString();
  const to = new Date(day + dayMs).toISOString();
  const tables = ['notifications', 'windows', 'attempts', 'packs'];
  const [notifications, windows, attempts, packs] = tables.map((table) => `history_${table}_${suffix}`);
  return [
    ...tables.map(
      (table) => `CREATE UNLOGGED TABLE history_${table}_${suffix} (LIKE history_${table} INCLUDING STORAGE)`,
    ),
    `INSERT INTO ${notifications} (at, context_id, user_id, place, notification, topic, window_key)
     SELECT at, context_id, user_id, n, uuidv7(at - now())::text, 'ox:mail:new', ${digest('n', 11)} FROM (
       SELECT n, timestamptz '${from}' + n * interval '1 day' / ${count + 1} AS at,
         CASE n % ${busyPart} WHEN 0 THEN ${busyUser.user} ELSE 2 + (n * 7919::bigint) % ${users} END AS user_id,
         CASE n % ${busyPart} WHEN 0 THEN ${busyUser.context} ELSE 2 + (n * 7919::bigint) % ${users} % 1000 END AS context_id
       FROM generate_series(1, ${count}) AS n
     ) made`,
    `INSERT INTO ${windows} (at, due_at, context_id, user_id, place, count, window_key, notification, targets)
     SELECT at, at, context_id, user_id, place, 1, window_key, notification,
       '[["' || ${digest('notification', 27)} || '","websocket","open-xchange-appsuite",null]]' FROM ${notifications}
     WHERE place % ${rowPart} = 0`,
    `INSERT INTO ${attempts} (at, context_id, user_id, duration_ms, attempt, notification, delivery, transport, client, outcome)
     SELECT at, context_id, user_id, 3, 1, notification, ${digest('notification', 27)}, 'websocket', 'open-xchange-appsuite',
       CASE place % 1000 WHEN 0 THEN 'gone' ELSE 'delivered' END FROM ${notifications} WHERE place % ${rowPart} = 0`,
    `INSERT INTO ${packs} (at, kind, contexts, owners, records)
     SELECT date_bin('10 seconds', min(at), timestamptz '${from}'), kind, array_agg(DISTINCT context_id),
       array_agg(DISTINCT context_id * 1000000 + user_id), repeat('r', ${perPack * recordLength})
     FROM ${notifications}, unnest(ARRAY['windows', 'attempts']) AS kind WHERE place % ${rowPart} > 0
     GROUP BY place / ${perPack}, kind`,
    ...tables.map(
      (table) =>
        `ALTER TABLE history_${table} ATTACH PARTITION history_${table}_${suffix} FOR VALUES FROM ('${from}') TO ('${to}')`,
    ),
  ];
}
