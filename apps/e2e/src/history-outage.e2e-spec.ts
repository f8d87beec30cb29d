import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startPostgres, type LocalPostgres } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { Client } from 'pg';
import type { AppName } from './app-process';
import { outageMs } from './env';
import { System } from './system';

jest.setTimeout(600_000);

/** How many records one process buffers at most: `maxBufferedRecords` in @pns/history. */
const maxBufferedRecords = 50_000;

const probed = { context: 1, user: 5000 };
/** The context of the notifications that are only load. Its users have no subscriptions. */
const loaded = 2;
const lastUser = 1000;
const tables = 'history_notifications, history_windows, history_attempts, history_packs, usage_hours';

interface Answer {
  readonly sentence: string;
  readonly gaps: readonly { readonly since: string; readonly until: string }[];
}

const folder = mkdtempSync(join(tmpdir(), 'pns-outage-'));
let postgres: LocalPostgres;
let system: System;
/** The ids of all notifications to the webhook, in the order in which they were accepted. */
const accepted: string[] = [];

beforeAll(async () => {
  chmodSync(folder, 0o755); // Postgres may run as another account
  postgres = await startPostgres({ dataDir: folder, isDurable: false });
  system = await System.start({
    env: { DATABASE_URL: postgres.url },
    processes: { 'worker-websocket': 0 },
    properties: { 'com.openexchange.pns.delayDuration': 0 },
  });
  await system.subscribe(probed);
}, 120_000);

afterAll(async () => {
  await system?.stop();
  await postgres?.stop();
  if (postgres !== undefined) rmSync(postgres.dataFolder, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

/** Posts a notification until it is accepted, because on a busy machine the API may answer 503. A repeat is harmless. */
async function post(notification: Readonly<Record<string, unknown>> & { readonly id: string }): Promise<void> {
  const body = { topic: 'ox:test', payload: { of: notification.id }, ...notification };
  await eventually(`${notification.id} is accepted`, async () => {
    const { status } = await system.request('POST', '/v1/notifications', body);
    if (![202, 503].includes(status)) throw new Error(`The API answered ${status}.`);
    return status === 202;
  });
}

/** Posts a notification to the webhook. */
async function probe(): Promise<void> {
  const id = `probe-${accepted.length}`;
  await post({ ...probed, id });
  accepted.push(id);
}

let loads = 0;

/** Posts a notification to each of the first `count` users, and returns its id. */
async function load(count: number): Promise<string> {
  const id = `load-${loads++}`;
  const users = Array.from({ length: count }, (_, index) => index + 1);
  await post({ context: loaded, users, id });
  return id;
}

async function records(app: AppName, result: 'written' | 'lost'): Promise<number> {
  return (await system.app(app).metric('pns_history_records_total')).get(`{result="${result}"}`) ?? 0;
}

async function historyOf(id: string): Promise<Answer | undefined> {
  const response = await system.request('GET', `/v1/notifications/${id}?context=${probed.context}`);
  return response.status === 200 ? ((await response.json()) as Answer) : undefined;
}

/** Fails unless all notifications to the webhook arrive. */
async function expectAllToArrive(): Promise<void> {
  const arrivals = await system.arrivalsOf(accepted.length, 'box', 120_000);
  expect(new Set(arrivals.map(({ headers }) => headers['webhook-id'])).size).toBe(accepted.length);
}

it('delivers each notification while the history cannot be written, and writes it afterwards', async () => {
  const sql = new Client({ connectionString: postgres.url });
  await sql.connect();
  try {
    await sql.query(`BEGIN; LOCK TABLE ${tables} IN ACCESS EXCLUSIVE MODE`);
    const until = Date.now() + outageMs();
    // The load is bounded, so that a longer outage does not fill the buffers.
    let room = maxBufferedRecords / 2;
    do {
      if (room > 0) await load(100);
      room -= 100;
      await probe();
      await expectAllToArrive();
    } while (Date.now() < until);
    await sql.query('COMMIT');
  } finally {
    await sql.end();
  }
  for (const id of accepted) {
    const { sentence, gaps } = await eventually('the history is complete', async () => {
      const answer = await historyOf(id);
      return answer?.sentence.includes('delivered to 1 of 1') === true && answer;
    });
    expect({ sentence, gaps }).toEqual({
      sentence: expect.stringMatching(/^ox:test .* was delivered to 1 of 1 target\. .*webhook\.$/) as string,
      gaps: [],
    });
  }
});

it('loses no delivery while Postgres is stopped, and says that the history has a gap', async () => {
  await postgres.stop();
  const until = Date.now() + outageMs();
  let posted = 0;
  let lost = '';
  while (Date.now() < until || (await records('api', 'lost')) === 0) {
    await probe();
    if (posted < maxBufferedRecords + 1000) {
      posted += lastUser;
      lost = await load(lastUser);
    } else {
      await pause(100);
    }
  }
  const [lostUntil, stoppedUntil] = [Number(await records('api', 'lost')), Date.now()];
  expect(lostUntil).toBeGreaterThan(0);
  postgres = await startPostgres({ dataDir: folder, port: postgres.port, isDurable: false });
  await expectAllToArrive();

  const answer = await eventually('the gap can be read', async () => {
    const response = await system.request('GET', `/v1/notifications/${lost}?context=${loaded}&user=${lastUser}`);
    // Any record of this notification may be lost. If it is the record of the acceptance, the answer is 404.
    return /[Rr]ecords between (\S+) and (\S+) were lost/.exec(await response.text());
  });
  const [since = NaN, end = NaN] = answer.slice(1).map((time) => Date.parse(time));
  expect(since).toBeLessThanOrEqual(stoppedUntil);
  expect(end).toBeGreaterThanOrEqual(since);
  const sentences = await eventually('the history contains the deliveries', async () => {
    const answers = await Promise.all(accepted.map((id) => historyOf(id)));
    const found = answers.flatMap((each) => each?.sentence ?? []);
    return found.some((sentence) => sentence.includes('delivered to 1 of 1')) && found;
  });
  process.stdout.write(
    `${accepted.length} deliveries, ${lostUntil} records lost from ${answer[1]} to ${answer[2]}. ${sentences.at(-1)}\n`,
  );
});
