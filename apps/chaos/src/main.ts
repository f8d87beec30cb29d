// `npm run test:chaos`: runs the built apps, at least two processes of each, with a separate Redis and database, while processes and
// servers are killed. Counts lost and repeated deliveries at the receivers.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startTemporaryServers } from '@pns/local-servers';
import { provideDatabase, System } from '@pns/e2e';
import { apps, randomFrom } from './faults';
import { Ledger, type Account } from './ledger';
import { indexOf, load, marker, signedAt, userOf } from './load';
import { plans } from './plans';
import { SocketClients } from './socket-clients';
import { properties, subscribeAll, transports } from './subscribers';

const users = 50;
/** If nothing has arrived for this long after the load, the rest is lost; in ms. */
const giveUpMs = 120_000;

const usage = `npm run test:chaos -- [--plan ${Object.keys(plans).join('|')}] [--seed N] [--count NOTIFICATIONS] [--rate PER_SECOND] [--logs FOLDER]`;

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      plan: { type: 'string', default: 'kills' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      count: { type: 'string', default: '20000' },
      rate: { type: 'string', default: '200' },
      logs: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(usage);
  const plan = plans[values.plan];
  if (plan === undefined) throw new Error(`There is no plan ${values.plan}. ${usage}`);
  const [seed, count, perSecond] = [values.seed, values.count, values.rate].map(Number) as [number, number, number];
  if (![seed, count, perSecond].every((each) => Number.isSafeInteger(each) && each >= 0)) throw new Error(usage);
  say(`Plan ${values.plan}, seed ${seed}: ${count} notifications, ${perSecond} a second.`);

  const servers = await startTemporaryServers({ postgres: true, redis: false });
  provideDatabase(servers.postgres?.url ?? '');
  const system = await System.start({
    hasProviders: true,
    keepsLogs: values.logs !== undefined,
    processes: Object.fromEntries(apps.map((app) => [app, 2])),
    properties,
  });
  try {
    await subscribeAll(system, users);
    const ledger = new Ledger(['websocket', ...transports]);
    const sockets = await SocketClients.open(system, ledger, users);
    system.sandbox.onArrival(({ at, provider, request, answer }) => {
      const id = marker.exec(request.latin1Body)?.[0];
      if (id === undefined || typeof answer !== 'number' || answer >= 300) return;
      ledger.arrived({ at, stream: provider, id, sentAt: signedAt(request.rawHeaders) });
    });
    const progress = setInterval(() => report(`${ledger.count} accepted, ${ledger.open} on their way`), 10_000);
    const chaos = { system, ledger, say: report, random: randomFrom(seed) };
    const startedAt = performance.now();
    const posting = load(system, ledger, { count, perSecond, users });
    await Promise.all([posting, plan(chaos, (count / perSecond) * 1000)]);
    const seconds = (performance.now() - startedAt) / 1000;
    report(`All are accepted after ${Math.round(seconds)} s.`);
    while (!ledger.isComplete && Date.now() - ledger.lastArrivalAt < giveUpMs) {
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    await new Promise((resolve) => setTimeout(resolve, 5000)); // for repeated deliveries
    clearInterval(progress);
    await sockets.close();
    const wasTold = (id: string) => sockets.wasTold(userOf(indexOf(id), users), ledger.acceptanceOf(id));
    tell(
      ledger
        .accounts()
        .map((each) =>
          each.stream === 'websocket' ? { ...each, lost: each.lost.filter((id) => !wasTold(id)) } : each,
        ),
    );
    say(`Sockets: ${sockets.outOfOrder} out of order, told ${sockets.timesTold} times that something may be missing.`);
  } finally {
    if (values.logs !== undefined) keepLogs(system, values.logs);
    await system.stop();
    await servers.stop();
  }
}

/** Writes the log of each process to a separate file. */
function keepLogs(system: System, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of apps) {
    for (const { child, output } of system.all(name)) writeFileSync(join(folder, `${name}-${child.pid}.log`), output);
  }
}

function tell(accounts: readonly Account[]): void {
  say(
    '\n| transport | notifications | lost | doubled | answered late | not explained | p50 ms | p99 ms | longest ms |',
  );
  say('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { stream, expected, lost, doubled, late, unexplained, delays } of accounts) {
    const times = [delays.p50, delays.p99, delays.longest].map(Math.round).join(' | ');
    say(`| ${stream} | ${expected} | ${lost.length} | ${doubled} | ${late} | ${unexplained.length} | ${times} |`);
  }
  for (const { stream, lost, unexplained } of accounts) {
    if (lost.length > 0) say(`lost of ${stream}: ${lost.slice(0, 20).join(' ')}`);
    for (const { id, first, at } of unexplained.slice(0, 20)) {
      say(`doubled of ${stream}: ${id} at ${secondsAt(first)} and ${secondsAt(at)} s`);
    }
  }
  const isGood = accounts.every(({ lost, unexplained }) => lost.length === 0 && unexplained.length === 0);
  if (!isGood) process.exitCode = 1;
}

const begunAt = Date.now();

/** Seconds since this program began. */
function secondsAt(at: number): string {
  return ((at - begunAt) / 1000).toFixed(1);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints a line with the time. */
function report(line: string): void {
  say(`${secondsAt(Date.now()).padStart(6)} s  ${line}`);
}

run().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
