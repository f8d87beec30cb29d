import type { FreshDatabase } from '@pns/local-servers';
import { Client } from 'pg';
import { openDatabase, type StartingDatabase } from './database';
import { attemptsStatement, listStatement, namedStatement, windowsStatement } from './history-lookup';
import { packsStatement } from './history-pack-lookup';
import { HistoryPartitions } from './history-partitions';
import { usageStatement } from './usage.store';
import { migratedDatabase } from './testing/migrated-database';

const dayMs = 86_400_000;
const today = Date.UTC(2026, 10, 29);
const days = [today - 2 * dayMs, today - dayMs, today];
/** The number of notifications of each day, spread over all users. */
const perDay = 40_000;
const users = 4000;

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

let fresh: FreshDatabase;
let database: StartingDatabase;
let client: Client;

beforeAll(async () => {
  fresh = await migratedDatabase();
  database = await openDatabase(fresh.url);
  client = new Client({ connectionString: fresh.url });
  await client.connect();
  await client.query('SET synchronous_commit = off');
  for (const day of days) {
    await new HistoryPartitions(database).create(day);
    const of = `$1::timestamptz + n * interval '2 seconds' AS at, 1 + n % 10 AS context_id, 1 + n % $2 AS user_id, n AS place`;
    const series = `generate_series(1, $3::int) AS n`;
    const id = `to_char($1::timestamptz, 'DD') || '-' || n`;
    const values = [new Date(day), users, perDay];
    await client.query(
      `INSERT INTO history_notifications (at, context_id, user_id, place, notification, topic, window_key)
       SELECT ${of}, ${id}, 'ox:mail:new', md5(n::text) FROM ${series}`,
      values,
    );
    await client.query(
      `INSERT INTO history_windows (at, due_at, context_id, user_id, place, count, window_key, notification, targets)
       SELECT at, at, context_id, user_id, place, 1, md5(place::text), name, '[]'
       FROM (SELECT ${of}, ${id} AS name FROM ${series}) made`,
      values,
    );
    await client.query(
      `INSERT INTO history_attempts (at, context_id, user_id, duration_ms, attempt, notification, delivery, transport, client, outcome)
       SELECT ${of.replace('n AS place', '5, 1')}, ${id}, n::text, 'webhook', 'crm', 'delivered' FROM ${series}`,
      values,
    );
    // Packs of 100 records, five packs a second.
    await client.query(
      `INSERT INTO history_packs (at, kind, contexts, owners, records)
       SELECT $1::timestamptz + n / 50 * interval '10 seconds', CASE n % 2 WHEN 0 THEN 'windows' ELSE 'attempts' END, '{1}',
         array_agg(n * 100 + user_number), repeat('record', 1000)
       FROM generate_series(1, 20000) AS n, generate_series(1, 100) AS user_number GROUP BY n`,
      [new Date(day)],
    );
  }
  await client.query(
    `INSERT INTO usage_hours (hour, context_id, topic, client, transport, notifications, delivered, failed, suppressed)
     SELECT $1::timestamptz - n % 2400 * interval '1 hour', 1 + n % 20, 'ox:mail:new', 'crm', 'webhook', 0, 1, 0, 0
     FROM generate_series(1, 48000) AS n ON CONFLICT DO NOTHING`,
    [new Date(today)],
  );
  await client.query('ANALYZE history_notifications, history_windows, history_attempts, history_packs, usage_hours');
}, 180_000);

afterAll(async () => {
  await client.end();
  await database.destroy();
  await fresh.drop();
});

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

async function planOf(statement: string, values: readonly unknown[]): Promise<PlanNode[]> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`,
    [...values],
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  return plan === undefined ? [] : nodesOf(plan);
}

const yesterday = new Date(today - dayMs);
const never = new Date(Date.UTC(9999, 0));
/** The user and the notification with number `n` in the series. */
const of = (n: number) => ({ context: 1 + (n % 10), user: 1 + (n % users), id: `29-${n}` });
const page = (n: number) => [of(n).context, of(n).user, yesterday, never, never, '', 101];
const some = Array.from({ length: 100 }, (_, index) => of(7 + 11 * index));

const statements: readonly [name: string, statement: string, values: readonly unknown[], most: number][] = [
  ['by id', namedStatement, ['29-77', yesterday, null, null, null], 1],
  ['by id in a context', namedStatement, ['29-77', yesterday, [of(77).context], null, null], 1],
  ['list', listStatement({}), page(77), 20],
  ['list by topic', listStatement({ topic: 't' }), [...page(77), 'ox:mail:new'], 20],
  ['list by client and outcome', listStatement({ client: 'c', outcome: 'o' }), [...page(77), 'crm', 'delivered'], 40],
  [
    'windows',
    windowsStatement,
    [
      some.map((_, index) => index),
      some.map(({ context }) => context),
      some.map(({ user }) => user),
      some.map((_, index) => `${7 + 11 * index}`),
      some.map(() => 1),
      yesterday,
    ],
    200,
  ],
  [
    'attempts',
    attemptsStatement,
    [some.map(({ context }) => context), some.map(({ user }) => user), some.map(({ id }) => id), yesterday],
    200,
  ],
  ['packs', packsStatement, ['windows', [today, today + 10_000].map((at) => new Date(at)), [177, 177], yesterday], 60],
];

describe.each(statements)('the lookup of history: %s', (_, statement, values, most) => {
  let scans: PlanNode[];

  beforeAll(async () => {
    const nodes = await planOf(statement, values);
    scans = nodes.filter((node) => node['Relation Name']?.startsWith('history_') === true);
  });

  it('uses an index of each partition', () => {
    expect(scans.length).toBeGreaterThan(0);
    const withoutIndex = scans.filter((scan) => !nodesOf(scan).some((node) => node['Index Name'] !== undefined));
    expect(withoutIndex).toEqual([]);
  });

  it('leaves out the partitions that are too old', () => {
    expect(scans.filter((scan) => scan['Relation Name']?.endsWith('_20261127') === true)).toEqual([]);
  });

  it('reads few rows', () => {
    const read = scans.map((scan) => {
      const { 'Actual Rows': found = 0, 'Rows Removed by Filter': removed = 0, 'Actual Loops': loops = 1 } = scan;
      return (found + removed) * loops;
    });
    expect(read.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(most);
  });
});

it.each([
  ['of all contexts', null],
  ['of a context', 7],
])('counts the usage %s with the rows of its hours only', async (_, context) => {
  const from = new Date(today - 3 * 3_600_000);
  const nodes = await planOf(usageStatement('client'), [from, new Date(today), context, 'hour', from, '', 101]);
  expect(nodes.filter((node) => node['Relation Name'] === 'usage_hours')).toHaveLength(1);
  expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
});
