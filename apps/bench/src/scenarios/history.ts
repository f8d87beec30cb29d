import { setTimeout as pause } from 'node:timers/promises';
import type { System } from '@pns/e2e';
import { Client } from 'pg';
import { sum, type Scenario, type Side } from '../scenario';
import { throughPns } from './pipeline';

const recording = (mode: 'all' | 'failures' | 'none'): Side =>
  throughPns({ properties: { 'com.openexchange.pns.history': mode } }, storedHistory);

/** After this time, all records of the history are written, in ms, because each process writes twice a second. */
const writtenAfterMs = 1500;

/** The rows of the history and their bytes with indexes, for each notification in it. */
async function storedHistory({ databaseUrl }: System): Promise<Record<string, number>> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const tables = ['history_notifications', 'history_windows', 'history_attempts', 'history_packs'];
    const counted = async (table: string): Promise<number> =>
      Number((await client.query<{ count: string }>(`SELECT count(*) FROM ${table}`)).rows[0]?.count);
    let rows: number[] = [];
    for (let before = -1; sum(rows) !== before;) {
      before = sum(rows);
      await pause(writtenAfterMs);
      rows = [];
      for (const table of tables) rows.push(await counted(table));
    }
    const [notifications = 0] = rows;
    if (notifications === 0) return {};
    const { rows: sizes } = await client.query<{ bytes: string }>(
      'SELECT sum(pg_total_relation_size(inhrelid)) AS bytes FROM pg_inherits WHERE inhparent = ANY ($1::regclass[])',
      [tables],
    );
    return {
      'history rows each': sum(rows) / notifications,
      'history bytes each': Number(sizes[0]?.bytes) / notifications,
    };
  } finally {
    await client.end();
  }
}

/** The whole way of `pipeline` with all of the history or with failures only, compared with the same without a history. */
export const history: readonly Scenario[] = [
  {
    name: 'history:all',
    unit: 'notifications/s',
    ours: recording('all'),
    baseline: recording('none'),
    goals: [{ atLeast: 0.8 }],
  },
  {
    name: 'history:failures',
    unit: 'notifications/s',
    ours: recording('failures'),
    baseline: recording('none'),
    goals: [{ atLeast: 0.97 }],
  },
];
