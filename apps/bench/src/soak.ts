// `npm run bench -- soak`: an hour of load, which shows memory and data that grow although they should not.
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { AppName, System } from '@pns/e2e';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { residentBytes } from './memory';
import { mailNotification } from './notifications';
import { Producer } from './producer';
import { figure, median } from './scenario';
import { startServers } from './servers';
import { withSocketNode } from './socket-node';
import { WebSockets } from './web-sockets';

const users = 1000;
const batchSize = 50;
const apps: readonly AppName[] = ['api', 'dispatcher', 'worker-websocket', 'worker-webhook'];

/** The values that must not grow, by name. */
type Sample = Readonly<Record<string, number>>;

/** A larger increase from the second quarter of the run to the last counts as growth. Garbage collection causes smaller ones. */
const tolerated = 1.1;

async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((arg) => arg !== 'soak'),
    options: { minutes: { type: 'string', default: '60' }, rate: { type: 'string', default: '2000' } },
  });
  const [minutes, rate] = [Number(values.minutes), Number(values.rate)];
  const stop = await startServers();
  try {
    await withSocketNode({ processes: { dispatcher: 1, 'worker-webhook': 1 } }, (system) =>
      soak(system, minutes, rate),
    );
  } finally {
    await stop();
  }
}

async function soak(system: System, minutes: number, rate: number): Promise<void> {
  for (let user = 1; user <= users; user++) {
    const key = { context: 1 + ((user - 1) % 10), user };
    if (user % 10 === 0) await system.subscribe(key, 'soak');
  }
  const sockets = await WebSockets.open(system.app('worker-websocket').url, users);
  const producer = new Producer(system.app('api').url, 4);
  const samples: Sample[] = [];
  const perMinute = rate * 60;
  let lost = 0;
  try {
    for (let minute = 0; minute < minutes; minute++) {
      const first = minute * perMinute;
      const arrival = sockets.arrivalOf(first, perMinute);
      await send(producer, first, perMinute, rate);
      const arrived = await arrival;
      lost += arrived.lost;
      samples.push(await sample(system));
      const values = Object.entries(samples.at(-1) ?? {}).map(([name, value]) => `${name} ${figure(value)}`);
      say(`minute ${minute + 1}/${minutes}: lost ${arrived.lost}, doubled ${arrived.duplicated}, ${values.join(', ')}`);
    }
  } finally {
    await producer.close();
    await sockets.close();
  }
  print(samples, lost);
}

/** Posts `count` notifications from `first` on, `rate` a second and evenly. */
async function send(producer: Producer, first: number, count: number, rate: number): Promise<void> {
  const startedAt = performance.now();
  for (let sent = 0; sent < count; sent += batchSize) {
    const notifications = Array.from({ length: batchSize }, (_, index) =>
      mailNotification(first + sent + index, users),
    );
    await producer.post(JSON.stringify({ notifications }));
    const aheadMs = ((sent + batchSize) / rate) * 1000 - (performance.now() - startedAt);
    if (aheadMs > 0) await pause(aheadMs);
  }
}

async function sample(system: System): Promise<Sample> {
  const processes = apps.map((name) => [name, system.app(name).child.pid ?? 0] as const);
  const redis = new Redis(system.redis.url);
  const keys = await redis.dbsize();
  const [, bytes] = /used_memory:(\d+)/.exec(await redis.info('memory')) ?? [];
  redis.disconnect();
  return {
    ...Object.fromEntries(processes.map(([name, pid]) => [`${name} MiB`, residentBytes(pid) / 2 ** 20])),
    ...Object.fromEntries(processes.map(([name, pid]) => [`${name} files`, readdirSync(`/proc/${pid}/fd`).length])),
    'Redis keys': keys,
    'Redis MiB': Number(bytes) / 2 ** 20,
    'Postgres rows': await rows(system.databaseUrl),
  };
}

/** The number of rows without the history, which grows until its retention ends. */
async function rows(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'history\\_%'`,
    );
    const counts = tables.map(({ name }) => `SELECT count(*) AS n FROM ${name}`).join(' UNION ALL ');
    const { rows: sum } = await client.query<{ n: string }>(`SELECT sum(n) AS n FROM (${counts}) AS counts`);
    return Number(sum[0]?.n);
  } finally {
    await client.end();
  }
}

function print(samples: readonly Sample[], lost: number): void {
  const quarter = Math.max(1, Math.floor(samples.length / 4));
  const grown = Object.keys(samples[0] ?? {}).filter((name) => {
    const of = (some: readonly Sample[]) => median(some.map((each) => each[name] ?? NaN));
    const [early, late] = [of(samples.slice(quarter, 2 * quarter)), of(samples.slice(-quarter))];
    say(`${name}: ${figure(early)} in the second quarter, ${figure(late)} in the last`);
    return late > early * tolerated + 10;
  });
  if (grown.length > 0) say(`It grows: ${grown.join(', ')}.`);
  if (grown.length > 0 || lost > 0) process.exitCode = 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
