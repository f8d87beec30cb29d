import { freshDatabase, type FreshDatabase } from '@pns/local-servers';
import { Client } from 'pg';
import { migrate } from './database';
import { subscriptionsOfUsers } from './subscription.store';

const subscriptions = 1_000_000;
const usersPerContext = 1000;
/** As many users as a full batch of windows can have. */
const usersPerBatch = 500;

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}

let fresh: FreshDatabase;
let client: Client;

beforeAll(async () => {
  fresh = await freshDatabase();
  await migrate(fresh.url);
  client = new Client({ connectionString: fresh.url });
  await client.connect();
  // Nothing here has to survive, and these indexes serve other questions.
  await client.query('ALTER TABLE subscriptions SET UNLOGGED');
  await client.query('DROP INDEX subscriptions_sole_holder, subscriptions_token, subscriptions_creation');
  await client.query(
    `INSERT INTO subscriptions (id, context_id, user_id, client, transport, token, token_hash, topics)
     SELECT lpad(to_hex(n), 32, '0')::uuid, 1 + n / $2, 1 + n % $2, 'mobile', 'apns', n::text, sha256(n::text::bytea), '{ox:mail:*}'
     FROM generate_series(0, $1 - 1) AS n`,
    [subscriptions, usersPerContext],
  );
  await client.query('ANALYZE subscriptions');
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

it.each([1, usersPerBatch])('of a million subscriptions, those of %i users are found by index only', async (users) => {
  const scans = (await planFor(users)).filter((node) => node['Relation Name'] === 'subscriptions');
  expect(scans.map((node) => node['Node Type'])).toEqual([expect.stringMatching(/^(Bitmap Heap|Index) Scan$/)]);
  // Its cost is what it finds.
  expect(scans.map((node) => node['Actual Rows'] * node['Actual Loops'])).toEqual([users]);
});
