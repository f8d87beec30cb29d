import type { FreshDatabase } from '@pns/local-servers';
import { Client } from 'pg';
import { subscriptionsOfUsers } from './addressed-subscription';
import { migratedDatabase } from './testing/migrated-database';

const subscriptions = 1_000_000;
const usersPerContext = 1000;
/** The number of users in a full batch of windows. */
const usersPerBatch = 500;

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}

let fresh: FreshDatabase;
let client: Client;

beforeAll(async () => {
  fresh = await migratedDatabase();
  client = new Client({ connectionString: fresh.url });
  await client.connect();
  // The inserts are faster if the data is not durable, and without the indexes that serve other queries.
  await client.query('ALTER TABLE subscriptions SET UNLOGGED');
  const others = 'subscriptions_sole_holder, subscriptions_token, subscriptions_creation, subscriptions_topics';
  await client.query(`DROP INDEX ${others}`);
  await client.query(
    `INSERT INTO subscriptions (id, context_id, user_id, client, transport, token, token_hash, topics)
     SELECT lpad(to_hex(n), 32, '0')::uuid, 1 + n / $2, 1 + n % $2, 'mobile', 'apns', n::text, sha256(n::text::bytea), '{ox:mail:*}'
     FROM generate_series(0, $1 - 1) AS n`,
    [subscriptions, usersPerContext],
  );
  await client.query('ALTER TABLE user_logins SET UNLOGGED');
  await client.query('ALTER TABLE users SET UNLOGGED');
  await client.query(
    `INSERT INTO users (context_id, user_id, primary_email)
     SELECT 1 + n / $2, 1 + n % $2, n || '@example.com' FROM generate_series(0, $1 - 1) AS n`,
    [subscriptions, usersPerContext],
  );
  await client.query('ANALYZE subscriptions, users');
}, 180_000);

afterAll(async () => {
  await client.end();
  await fresh.drop();
});

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

async function planFor(users: number): Promise<PlanNode[]> {
  const ids = Array.from({ length: users }, (_, index) => 1 + ((index * 7919) % usersPerContext));
  const contexts = ids.map((_, index) => 1 + ((index * 104_729) % (subscriptions / usersPerContext)));
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${subscriptionsOfUsers}`,
    [contexts, ids],
  );
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  return plan === undefined ? [] : nodesOf(plan);
}

/** The index by which each scan of a table in a plan finds its rows; undefined for a scan without an index. */
function indexesFor(table: string, nodes: readonly PlanNode[]): (string | undefined)[] {
  const scans = nodes.filter((node) => node['Relation Name'] === table);
  return scans.map((scan) => nodesOf(scan).find((node) => node['Index Name'] !== undefined)?.['Index Name']);
}

describe.each([1, usersPerBatch])('of a million subscriptions, those of %i users', (users) => {
  let nodes: PlanNode[];

  beforeAll(async () => {
    nodes = await planFor(users);
  });

  it('are found by the index of their users, and the users by their key', () => {
    expect(indexesFor('subscriptions', nodes)).toEqual(['subscriptions_holder']);
    expect(indexesFor('users', nodes)).toEqual(['users_pkey']);
    expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
  });

  it.each(['subscriptions', 'users'])('read no more rows of %s than are found', (table) => {
    const scans = nodes.filter((node) => node['Relation Name'] === table);
    expect(scans.map((node) => node['Actual Rows'] * node['Actual Loops'])).toEqual([users]);
  });
});
