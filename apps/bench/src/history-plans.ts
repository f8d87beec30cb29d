// `npm run bench -- history-plans`: the plans and times of the queries of the history, with many rows.
import { parseArgs } from 'node:util';
import { startTemporaryServers } from '@pns/local-servers';
import {
  attemptsStatement,
  listStatement,
  migrate,
  namedStatement,
  packsStatement,
  windowsStatement,
} from '@pns/persistence';
import { Client } from 'pg';
import { busyUser, fillHistory, packedOwner, type Stock } from './history-stock';
import { figure } from './scenario';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

interface Explained {
  readonly Plan: PlanNode;
  readonly 'Execution Time': number;
}

/** A query and its parameters. */
type Query = readonly [name: string, statement: string, values: readonly unknown[]];

/** The number of notifications on a page. */
const limit = 100;

async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== 'history-plans'),
    options: { rows: { type: 'string', default: '50000000' } },
  });
  const servers = await startTemporaryServers({ postgres: { cacheMiB: 512 }, redis: false });
  const client = new Client({ connectionString: servers.postgres?.url ?? '' });
  try {
    await migrate(servers.postgres?.url ?? '');
    await client.connect();
    const stock = await fillHistory(client, Number(values.rows), say);
    say(`${figure(stock.rowsEach)} rows and ${figure(stock.bytesEach)} bytes for each notification`);
    for (const query of await queriesOf(client, stock)) await explain(client, query, stock);
  } finally {
    await client.end();
    await servers.stop();
  }
}

/** The queries of the API, for a user of the newest day and for the busy user. */
async function queriesOf(client: Client, { newest }: Stock): Promise<Query[]> {
  const since = new Date(newest - 86_400_000);
  const never = new Date(Date.UTC(9999, 0));
  const { rows } = await client.query<
    Record<'context_id' | 'user_id', number> &
      Record<'at', Date> &
      Record<'place' | 'notification' | 'window_key', unknown>
  >('SELECT * FROM history_notifications WHERE at >= $1 AND user_id > 1 LIMIT $2', [
    new Date(newest + 43_200_000),
    limit,
  ]);
  const of = (column: keyof (typeof rows)[number]) => rows.map((row) => row[column]);
  const page = (context: unknown, user: unknown) => [context, user, since, never, never, '', limit + 1];
  const usual = page(of('context_id')[0], of('user_id')[0]);
  const busy = page(busyUser.context, busyUser.user);
  return [
    ['one by id', namedStatement, [of('notification')[0], since, null, null, null]],
    ['a list', listStatement({}), usual],
    ['a list by topic', listStatement({ topic: true }), [...usual, 'ox:mail:new']],
    [
      'a list by client and outcome',
      listStatement({ client: true, outcome: true }),
      [...usual, 'open-xchange-appsuite', 'gone'],
    ],
    ['a list by outcome', listStatement({ outcome: true }), [...usual, 'gone']],
    ['a list of the busy user', listStatement({}), busy],
    ['a list of the busy user by outcome', listStatement({ outcome: true }), [...busy, 'gone']],
    ['a list of the busy user, nothing found', listStatement({ outcome: true }), [...busy, 'exhausted']],
    [
      'the windows of a page',
      windowsStatement,
      [rows.map((_, index) => index), of('context_id'), of('user_id'), of('window_key'), of('place'), since],
    ],
    [
      'the packs of a page',
      packsStatement,
      [
        'windows',
        rows.map(({ at }) => new Date(at.getTime() - (at.getTime() % 10_000))),
        rows.map((row) => packedOwner({ context: row.context_id, user: row.user_id })),
        since,
      ],
    ],
    ['the attempts of a page', attemptsStatement, [of('context_id'), of('user_id'), of('notification'), since]],
  ];
}

/** Runs a query twice; prints its times and scans. A sequential scan, or a scan of the oldest day, sets the exit code to 1. */
async function explain(client: Client, [name, statement, values]: Query, { oldest }: Stock): Promise<void> {
  const times: number[] = [];
  let scans: PlanNode[] = [];
  for (let round = 0; round < 2; round++) {
    const { rows } = await client.query<{ 'QUERY PLAN': [Explained] }>(`EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`, [
      ...values,
    ]);
    const [explained] = rows[0]?.['QUERY PLAN'] ?? [];
    if (explained === undefined) throw new Error('Postgres has returned no plan.');
    times.push(explained['Execution Time']);
    scans = nodesOf(explained.Plan).filter(
      (node) => node['Relation Name'] !== undefined || node['Index Name'] !== undefined,
    );
  }
  const suffix = new Date(oldest).toISOString().slice(0, 10).replaceAll('-', '');
  const bad = scans.filter(
    (scan) => scan['Node Type'] === 'Seq Scan' || scan['Relation Name']?.endsWith(suffix) === true,
  );
  if (bad.length > 0) process.exitCode = 1;
  const used = scans.map((scan) => `${scan['Node Type']} ${scan['Index Name'] ?? scan['Relation Name'] ?? ''}`);
  say(`${bad.length > 0 ? 'WRONG ' : ''}${name}: ${times.map(figure).join(' ms, again ')} ms`);
  for (const line of used) say(`  ${line}`);
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
