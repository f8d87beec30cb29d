import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ConfigCascade, ConfigCascadeModule } from '@pns/config-cascade';
import { cuttableLink, type CuttableLink, type FreshDatabase } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import type { DueWindow, Notification } from '@pns/notifications';
import { HistoryPartitions, PersistenceModule } from '@pns/persistence';
import { migratedDatabase } from '@pns/persistence/testing';
import { log, metrics, nestLogger } from '@pns/runtime';
import { RuntimeModule } from '@pns/runtime/app';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { Client } from 'pg';
import { History, HistoryModule, HistoryReader, HistoryWriter, type NotificationHistory } from './index';
import { maxBufferedRecords } from './history-buffer';

log.level = 'silent';

const folder = mkdtempSync(join(tmpdir(), 'pns-history-'));
const properties = ['com.openexchange.pns.history.few=failures', 'com.openexchange.pns.history.off=none'];
writeFileSync(join(folder, 'pns.properties'), properties.join('\n'));

let database: FreshDatabase;
let link: CuttableLink;
let app: INestApplicationContext;
let history: History;
let reader: HistoryReader;
let sql: Client;

beforeAll(async () => {
  database = await migratedDatabase();
  link = await cuttableLink(database.url);
  app = await NestFactory.createApplicationContext(
    {
      module: class {},
      imports: [
        RuntimeModule,
        ConfigCascadeModule.forRoot({ configDir: folder }),
        PersistenceModule.forRoot({ databaseUrl: link.url }),
        HistoryModule,
      ],
    },
    { logger: nestLogger },
  );
  history = app.get(History);
  reader = app.get(HistoryReader);
  await app.get(ConfigCascade, { strict: false }).load([{ context: 1, user: 14 }]); // the dispatcher does the same
  sql = new Client({ connectionString: database.url });
  await sql.connect();
}, 30_000);

afterAll(async () => {
  await app.close();
  await sql.end();
  await link.close();
  await database.drop();
  rmSync(folder, { recursive: true });
});

const windowKey = (name: string) => `1:14:equal:${name.padEnd(28, 'x')}`;

function notification(id: string, changes: Partial<Notification> = {}): Notification {
  const of = { context: 1, user: 14, topic: 'ox:mail:new', payload: { subject: 'secret' }, priority: 'high' } as const;
  return { id, ...of, timestamp: Date.now(), ...changes };
}

function windowOf(sent: Notification, name: string, order: number, count = 1): DueWindow {
  return {
    windowKey: windowKey(name),
    mode: 'equal',
    notification: { v: 1, ...sent },
    ...{ count, order, dueAt: Date.now(), size: 1 },
  };
}

function delivery({ id, context, user, topic, payload, timestamp }: Notification, client: string): Delivery {
  return {
    id: `${id}-${client}`,
    ...{ notificationId: id, context, user, topic, payload, timestamp, client, token: 'token', transport: 'webhook' },
    ...{ subscriptionId: 's', priority: 'high', count: 1, dueAt: Date.now(), attempt: 1 },
  };
}

function attempted(delivered: Delivery, outcome: Outcome, nextAttemptInMs?: number): void {
  const next = nextAttemptInMs === undefined ? {} : { nextAttemptInMs };
  history.attempted([{ delivery: delivered, outcome, startedAt: Date.now(), durationMs: 3, ...next }]);
}

/** The history of the newest notification with this id, once it satisfies `isReady`. */
async function found(
  id: string,
  isReady: (of: NotificationHistory) => boolean = () => true,
): Promise<NotificationHistory> {
  for (;;) {
    const [newest] = await reader.named({ id }, {});
    if (newest !== undefined && isReady(newest)) return newest;
    await pause(20);
  }
}

it('shows a notification with its window, its deliveries and each attempt, and a joined one with the one that was sent', async () => {
  const [first, second] = [notification('first'), notification('second')];
  history.accepted(first, windowKey('a'), 1);
  history.accepted(second, windowKey('a'), 2);
  // This notification is in a later window with the same key.
  history.accepted(notification('third'), windowKey('a'), 3);
  const deliveries = [delivery(first, 'crm'), delivery(first, 'erp')] as const;
  const suppressed = [{ transport: 'apns', client: 'phone', subscription: 'p', isSource: false }] as const;
  history.dispatched({ window: windowOf(first, 'a', 2, 2), deliveries, suppressed });
  attempted(deliveries[0], { kind: 'retry', reason: 'answered 500' }, 1000);
  attempted({ ...deliveries[0], attempt: 2 }, { kind: 'delivered', providerId: 'p-1' });

  const shown = await found('first', (of) => of.deliveries.some(({ attempts }) => attempts.length === 2));
  expect(shown).toMatchObject({
    ...{ id: 'first', context: 1, user: 14, topic: 'ox:mail:new', received: first.timestamp, joined: 2, gaps: [] },
    deliveries: [
      {
        ...{ id: 'first-crm', transport: 'webhook', client: 'crm', subscription: 's', outcome: 'delivered' },
        attempts: [
          { number: 1, outcome: 'retry', reason: 'answered 500', durationMs: 3 },
          { number: 2, outcome: 'delivered', providerId: 'p-1' },
        ],
      },
      { id: 'first-erp', outcome: 'waiting', attempts: [] },
      {
        ...{ transport: 'apns', client: 'phone', subscription: 'p', outcome: 'suppressed', attempts: [] },
        decidedBy: { name: 'com.openexchange.pns.transport.apn.ios.enabled', origin: { scope: 'default' } },
      },
    ],
  });
  expect(shown.joinedInto).toBeUndefined();
  expect(shown.sentence).toMatch(
    /delivered to 1 of 3 targets\. crm through webhook: delivered at attempt 2 after 1 failed/,
  );
  const joined = await found('second');
  expect(joined.joinedInto).toBe('first');
  expect(joined.sentence).toContain('was joined into notification first, which was delivered to 1 of 3 targets');
  expect(joined.deliveries).toEqual(shown.deliveries);
  const open = await found('third');
  expect(open.dispatched).toBeUndefined();
  expect(open.sentence).toContain('waits for similar notifications');
  expect(JSON.stringify(shown)).not.toContain('secret');
});

it('lists the notifications of a user, newest first and page by page, by topic, client and outcome', async () => {
  const now = Date.now();
  const posted = Array.from({ length: 5 }, (_, index) => {
    const topic = index === 0 ? 'other' : 'ox:mail:new';
    return notification(`page-${index}`, { user: 3, timestamp: now - 10 + Math.floor(index / 2), topic });
  });
  for (const [index, each] of posted.entries()) {
    history.accepted(each, windowKey(`p${index}`), 10 + index);
    const deliveries = [delivery(each, index === 1 ? 'erp' : 'crm')] as const;
    history.dispatched({ window: windowOf(each, `p${index}`, 10 + index), deliveries, suppressed: [] });
    attempted(deliveries[0], index === 2 ? { kind: 'gone', reason: 'answered 410' } : { kind: 'delivered' });
  }
  await found('page-4', ({ deliveries }) => deliveries.every(({ outcome }) => outcome !== 'waiting'));
  const of = { context: 1, user: 3 };
  const first = await reader.list(of, { limit: 3 });
  const rest = await reader.list(of, { limit: 3, cursor: first.nextCursor });
  const ids = (page: { items: readonly NotificationHistory[] }) => page.items.map(({ id }) => id);
  expect([...ids(first), ...ids(rest)]).toEqual(['page-4', 'page-3', 'page-2', 'page-1', 'page-0']);
  expect(rest.nextCursor).toBeUndefined();
  const listed = async (filter: object) => ids(await reader.list({ ...of, ...filter }, { limit: 10 }));
  expect(await listed({ topic: 'other' })).toEqual(['page-0']);
  expect(await listed({ client: 'erp' })).toEqual(['page-1']);
  expect(await listed({ outcome: 'gone' })).toEqual(['page-2']);
  expect(await listed({ outcome: 'gone', client: 'erp' })).toEqual([]);
  expect(await listed({ since: now - 9 })).toEqual(['page-4', 'page-3', 'page-2']);
  expect(await listed({ until: now - 9 })).toEqual(['page-1', 'page-0']);
  expect(await reader.named({ id: 'page-0' }, { contexts: [2] })).toEqual([]);
  expect(await reader.named({ id: 'page-0' }, { context: 1, user: 14 })).toEqual([]);
});

it('ends a page early if its notifications have very many deliveries', async () => {
  const now = Date.now();
  const posted = Array.from({ length: 60 }, (_, index) => {
    return notification(`wide-${index}`, { user: 4, timestamp: now - index });
  });
  for (const [index, each] of posted.entries()) {
    history.accepted(each, windowKey(`w${index}`), 100 + index);
    const deliveries = Array.from({ length: 500 }, (__, target) => delivery(each, `crm-${target}`));
    history.dispatched({ window: windowOf(each, `w${index}`, 100 + index), deliveries, suppressed: [] });
  }
  await found('wide-59', ({ deliveries }) => deliveries.length === 500);
  const pages = [await reader.list({ context: 1, user: 4 }, { limit: 60 })];
  for (let cursor = pages[0]?.nextCursor; cursor !== undefined; cursor = pages.at(-1)?.nextCursor) {
    pages.push(await reader.list({ context: 1, user: 4 }, { limit: 60, cursor }));
  }
  expect(pages.length).toBeGreaterThan(1);
  expect(pages.flatMap(({ items }) => items.map(({ id }) => id))).toEqual(posted.map(({ id }) => id));
});

it('contains only failures, or nothing, if a property says so', async () => {
  const post = (id: string, topic: string) => notification(id, { topic });
  const [fine, bad, nobody, off] = [post('fine', 'few'), post('bad', 'few'), post('nobody', 'few'), post('off', 'off')];
  expect([fine, off].map((of) => [history.isWanted(of, 1), history.isWanted(of, 0)])).toEqual([
    [false, true],
    [false, false],
  ]);
  attempted(delivery(fine, 'crm'), { kind: 'delivered' });
  attempted(delivery(off, 'crm'), { kind: 'gone', reason: 'answered 410' });
  attempted(delivery(bad, 'crm'), { kind: 'rejected', reason: 'answered "413"\n\0 with {}, and \\' });
  history.dispatched({ window: windowOf(nobody, 'c', 24), deliveries: [], suppressed: [] });
  expect(await found('bad')).toMatchObject({
    received: bad.timestamp,
    deliveries: [{ client: 'crm', outcome: 'rejected', reason: 'answered "413"   with {}, and \\' }],
  });
  expect((await found('nobody')).sentence).toContain('because no subscription and no open socket');
  expect(await reader.named({ id: 'fine' }, {})).toEqual([]);
  expect(await reader.named({ id: 'off' }, {})).toEqual([]);
});

it('contains a target that is switched off beside a delivery, if only failures are recorded', async () => {
  const beside = notification('beside', { topic: 'few' });
  const suppressed = [
    { transport: 'apns', client: 'phone', subscription: 'p', isSource: false },
    { transport: 'websocket', client: 'browser', isSource: true },
  ] as const;
  const sent = delivery(beside, 'crm');
  history.dispatched({ window: windowOf(beside, 'b', 25), deliveries: [sent], suppressed });
  attempted(sent, { kind: 'delivered' });
  const retried = delivery(beside, 'erp');
  attempted(retried, { kind: 'retry', reason: 'answered 500' }, 1000);
  attempted({ ...retried, attempt: 2 }, { kind: 'delivered' });
  const shown = await found('beside', ({ deliveries }) => deliveries.some(({ outcome }) => outcome === 'delivered'));
  expect(shown).toMatchObject({
    recorded: 'failures',
    deliveries: [
      {
        ...{ transport: 'apns', client: 'phone', subscription: 'p', outcome: 'suppressed', attempts: [] },
        decidedBy: { name: 'com.openexchange.pns.transport.apn.ios.enabled', origin: { scope: 'default' } },
      },
      { client: 'erp', outcome: 'delivered', attempts: [{ number: 1 }, { number: 2 }] },
    ],
  });
  expect(shown.sentence).toContain('was delivered to 1 of 2 recorded targets. phone through apns: not sent, because');
  expect((await reader.named({ id: 'beside' }, {})).length).toBe(1);
  // The only target has caused the notification.
  const own = notification('own', { topic: 'few' });
  history.dispatched({ window: windowOf(own, 'own', 26), deliveries: [], suppressed: [suppressed[1]] });
  expect((await found('own')).sentence).toContain('browser through websocket: not sent, because it caused');
});

it('writes nothing twice if the answer to a write was lost', async () => {
  const [first, second] = [notification('lost-answer', { context: 9 }), notification('after-it', { context: 9 })];
  const count = async (): Promise<unknown> => {
    const { rows } = await sql.query<{ counted: string }>(
      'SELECT sum(notifications) AS counted FROM usage_hours WHERE context_id = 9',
    );
    return rows[0]?.counted;
  };
  link.onSend = (_, chunk) => {
    if (chunk.includes('COMMIT')) link.hold();
  };
  history.counted(first);
  history.accepted(first, windowKey('l'), 27);
  await eventually('the first write is committed', async () => (await count()) === '1');
  link.onSend = () => undefined;
  link.cut();
  link.release();
  link.mend();
  history.counted(second);
  history.accepted(second, windowKey('l'), 28);
  await eventually('another write is committed', async () => (await count()) !== '1');
  expect(await count()).toBe('2');
  await found('after-it');
  const { rows } = await sql.query(`SELECT 1 FROM history_notifications WHERE notification = 'lost-answer'`);
  expect(rows).toHaveLength(1);
}, 30_000);

it('writes the kept records when Postgres is back, counts the lost ones, and shows the gap', async () => {
  link.cut();
  const kept = notification('kept');
  history.accepted(kept, windowKey('k'), 30);
  const others = maxBufferedRecords + 7;
  for (let index = 0; index < others; index++) history.accepted(notification(`other-${index}`), windowKey('o'), 31);
  await app.get(HistoryWriter, { strict: false }).flush();
  link.mend();
  const shown = await found('kept', ({ gaps }) => gaps.length > 0);
  expect(shown.sentence).toMatch(/Some records between .* were lost/);
  const { rows } = await sql.query<{ records: string }>('SELECT records FROM history_gaps');
  expect(rows).toEqual([{ records: String(others - maxBufferedRecords + 1) }]);
  expect(await metrics.metrics()).toContain('pns_history_records_total{result="lost"} 8\n');
}, 30_000);

it('writes into the partition of the day, and drops those that are older than the retention', async () => {
  const partitions = app.get(HistoryPartitions, { strict: false });
  const names = async (): Promise<string[]> => {
    const { rows } = await sql.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'history_windows'::regclass ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  };
  const days = [Date.UTC(2020, 1, 28), Date.UTC(2020, 1, 29, 23)];
  await Promise.all([...days, ...days].map((day) => partitions.create(day)));
  expect((await names()).slice(0, 2)).toEqual(['history_windows_20200228', 'history_windows_20200229']);
  expect(await partitions.dropBefore(Date.UTC(2020, 2, 1) - 1)).toBe(4);
  expect((await names())[0]).toBe('history_windows_20200229');
  expect(await partitions.dropBefore(Date.UTC(2020, 2, 1))).toBe(4);
  // A partition that was dropped is created again by the next write.
  await sql.query(`DROP TABLE ${(await names()).at(-1)}`);
  const again = notification('again');
  history.accepted(again, windowKey('x'), 40);
  history.dispatched({ window: windowOf(again, 'x', 40), deliveries: [], suppressed: [] });
  await found('again', ({ dispatched }) => dispatched !== undefined);
});
