import { setMaxListeners } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { provideDatabase, System, webhooksYaml, type AppProcessOptions } from '@pns/e2e';
import { startPostgres } from '@pns/local-servers';
import { expiredAtSockets, linesAbout, loggedEnds, unansweredAttempts } from './attempts';
import type { EarlierBuild } from './earlier-build';
import { perform, type Chaos } from './faults';
import { providersOf } from './far-sides';
import { Fleet } from './fleet';
import { Ledger, type Account } from './ledger';
import { ThreadLink } from './links';
import { indexOf, load, marker, signedAt, userOf, type Answers } from './load';
import { apps, linkedTransports, type PlannedFault } from './plans';
import { measureWrites } from './redis-writes';
import { SmallDisk } from './small-disk';
import { SocketClients } from './socket-clients';
import { properties, subscribeAll, transports } from './subscribers';
import { within } from './within';

/** The missing deliveries count as lost if no new delivery has arrived for this time after the load, in ms. */
const giveUpMs = 180_000;
/** The time that the run waits for repeated deliveries after the last new one, in ms. */
const repeatsWithinMs = 5000;
/** After the load, failed deliveries are resent at this interval, as an operator does, in ms. */
const resendEveryMs = 5000;
/** A bound for the end of the servers and the sandbox, in ms. */
const stopsWithinMs = 120_000;
/** A bound for an answer of the API, in ms. */
const answersWithinMs = 30_000;
const outcomes = ['misconfigured', 'exhausted', 'expired'] as const;

/** The options of one run. */
interface RunOptions {
  readonly faults: readonly PlannedFault[];
  readonly count: number;
  readonly perSecond: number;
  readonly users: number;
  /** The number of processes of each app. */
  readonly processes: number;
  /** The folder for the logs of the processes. */
  readonly logs?: string | undefined;
  /** The built apps of an earlier version, with which the run begins. Its users have only the transports of that version. */
  readonly appsBefore?: Pick<EarlierBuild, 'folder' | 'apps'> | undefined;
  readonly say: (line: string) => void;
}

/** The result of a run. */
export interface RunResult {
  readonly accounts: readonly Account[];
  /** Log lines about doubled deliveries that no fault explains. */
  readonly lines: readonly string[];
  /** Notifications that were accepted during the load, per second. */
  readonly heldPerSecond: number;
  readonly answers: Answers;
  readonly streams: {
    readonly all: number;
    readonly withGaps: number;
    readonly outOfOrder: number;
    readonly informed: number;
    /** The ids of notifications that expired and whose sockets were not sent `notifications:missed`. */
    readonly notInformed: readonly string[];
  };
}

/** Runs the built apps with their own servers under a steady load while the faults happen. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { faults, users, processes, logs, appsBefore, say } = options;
  const folder = mkdtempSync(join(tmpdir(), 'pns-chaos-'));
  const startServer = (port?: number) =>
    startPostgres({ dataDir: join(folder, 'postgres'), ...(port !== undefined && { port }) });
  const postgres = { current: await startServer(), restart: () => startServer(postgres.current.port) };
  provideDatabase(postgres.current.url);
  const disk = faults.some(({ kind }) => kind === 'disk-full') ? SmallDisk.mount() : undefined;
  const system = await System.start({
    hasProviders: true,
    processes: Object.fromEntries(apps.map((app) => [app, 0])),
    properties,
    ...(disk !== undefined && { redisFolder: disk.folder }),
  });
  const farLinks = await openFarLinks(system);
  let fleet: Fleet | undefined;
  try {
    system.configure('webhooks.yml', webhooksYaml(farLinks.get('webhook')?.url ?? system.sandbox.url));
    const hasLinks = faults.some(({ target }) => target.includes(' to '));
    const build: AppProcessOptions = appsBefore === undefined ? {} : { appsFolder: appsBefore.folder };
    const first = appsBefore?.apps ?? apps;
    fleet = await Fleet.start(system, first, processes, hasLinks, build);
    const usable = transports.filter((transport) => first.includes(`worker-${transport}`));
    await subscribeAll(system, users, usable, farLinks);
    const ledger = new Ledger(['websocket', ...usable]);
    return await observe({ system, fleet, postgres, farLinks, disk, ledger, say }, options);
  } finally {
    await fleet?.end();
    if (logs !== undefined) keepLogs(system, logs);
    const stopped = within(stopsWithinMs, 'the end of all processes, of the sandbox and of Redis', system.stop());
    // When a run fails, a server may be down and cannot be stopped. This error must not replace the error of the run.
    await stopped.catch((error: Error) => say(`The stack did not stop cleanly: ${error.message}`));
    await fleet?.close();
    for (const link of farLinks.values()) await link.close();
    disk?.unmount();
    await postgres.current.stop();
    for (const each of [folder, postgres.current.dataFolder]) rmSync(each, { recursive: true, force: true });
  }
}

async function observe(chaos: Chaos, options: RunOptions): Promise<RunResult> {
  const { system, fleet, ledger, say } = chaos;
  const { faults, count, perSecond, users } = options;
  const sockets = await SocketClients.open(system, fleet, ledger, users);
  const wasInformed = (id: string) => sockets.wasInformed(userOf(indexOf(id), users), ledger.acceptanceOf(id));
  system.sandbox.onArrival(({ at, provider, request, decryptedBody = '', answer }) => {
    const id = (marker.exec(request.latin1Body) ?? marker.exec(decryptedBody))?.[0];
    if (id === undefined || typeof answer !== 'number' || answer >= 300) return;
    ledger.arrived({ at, stream: provider, id, sentAt: signedAt(request.rawHeaders) });
  });
  const ending = new AbortController();
  setMaxListeners(Infinity, ending.signal); // each waiting fault adds a listener
  const { signal } = ending;
  const progress = setInterval(() => say(`${ledger.count} accepted, open: ${ledger.openStreams}`), 10_000);
  const delays = monitorEventLoopDelay();
  delays.enable();
  const measuring = measureWrites(system.redis.url, ledger, signal);
  try {
    const startedAt = performance.now();
    const posting = load(fleet, ledger, { count, perSecond, users, signal }).then((answers) => {
      say('All are accepted.');
      return { answers, heldPerSecond: ledger.count / ((performance.now() - startedAt) / 1000) };
    });
    const [held] = await Promise.all([posting, perform(chaos, faults, signal)]);
    say('The last fault is over.');
    let resentAt = 0;
    let expired = expiredAtSockets(system);
    const isKnown = (id: string) => wasInformed(id) || expired.has(id);
    while (ledger.openExcept(isKnown) > 0 && Date.now() - ledger.lastArrivalAt < giveUpMs) {
      if (Date.now() - resentAt > resendEveryMs) {
        resentAt = Date.now();
        await resendFailed(chaos);
        expired = expiredAtSockets(system);
      }
      await pause(250);
    }
    await pause(repeatsWithinMs);
    delays.disable();
    ledger.stalledMs = delays.max / 1e6;
    const [stalledMs, writeMs] = [ledger.stalledMs, ledger.slowestWriteMs].map(Math.round);
    say(`This process stood still for at most ${stalledMs} ms, and a write of Redis took at most ${writeMs} ms.`);
    const all = ledger.accounts(unansweredAttempts(system, transports), loggedEnds(system, ledger.streams));
    const missed = all.find(({ stream }) => stream === 'websocket')?.lost ?? [];
    const accounts = all.map((each) =>
      each.stream === 'websocket' ? { ...each, lost: missed.filter((id) => !isKnown(id)) } : each,
    );
    const lines = accounts.flatMap(({ stream, unexplained }) =>
      unexplained.slice(0, 5).flatMap((doubled) => linesAbout(system, stream, doubled)),
    );
    const withGaps = new Set(missed.map((id) => userOf(indexOf(id), users))).size;
    const { outOfOrder, timesInformed: informed } = sockets;
    const notInformed = missed.filter((id) => expired.has(id) && !wasInformed(id));
    return { ...held, accounts, lines, streams: { all: users, withGaps, outOfOrder, informed, notInformed } };
  } finally {
    clearInterval(progress);
    ending.abort();
    await measuring;
    await sockets.close();
  }
}

/** Resends failed deliveries, for example those whose webhook refused its credentials. */
async function resendFailed({ system, fleet, say }: Chaos): Promise<void> {
  const [api] = fleet.living('api');
  if (api === undefined) return;
  for (const outcome of outcomes) {
    const answer = system.expect<{ retried: number }>(200, 'POST', '/v1/deliveries/retry', { outcome }, api);
    // Without an answer, the command is repeated later, as an operator does when the API, Redis or Postgres is back.
    const result = await within(answersWithinMs, 'an answer', answer).catch(() => undefined);
    if (result === undefined) return;
    const { retried } = result;
    if (retried > 0) say(`${retried} deliveries that had ended as ${outcome} are sent again`);
  }
}

async function openFarLinks(system: System): Promise<ReadonlyMap<string, ThreadLink>> {
  const { apns, fcm } = providersOf(system);
  const urls = { webhook: system.sandbox.url, apns: apns.url, fcm: fcm.url };
  const links = linkedTransports.map(async (transport) => [transport, await ThreadLink.to(urls[transport])] as const);
  return new Map(await Promise.all(links));
}

/** Writes the log of each process to a separate file. */
function keepLogs(system: System, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of apps) {
    for (const { child, output } of system.all(name)) writeFileSync(join(folder, `${name}-${child.pid}.log`), output);
  }
}
