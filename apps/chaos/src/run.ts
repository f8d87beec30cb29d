import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { provideDatabase, System, webhooksYaml, type AppProcessOptions } from '@pns/e2e';
import { startPostgres } from '@pns/local-servers';
import { perform, type Chaos } from './faults';
import { providersOf } from './far-sides';
import { Fleet } from './fleet';
import { Ledger, type Account } from './ledger';
import { Link } from './link';
import { indexOf, load, marker, signedAt, userOf } from './load';
import { apps, linkedTransports, type PlannedFault } from './plans';
import { SmallDisk } from './small-disk';
import { SocketClients } from './socket-clients';
import { properties, subscribeAll, transports } from './subscribers';

/** If nothing has arrived for this long after the load, the rest is lost, in ms. */
const giveUpMs = 180_000;
/** Repeated deliveries may follow the last first arrival, in ms. */
const repeatsWithinMs = 5000;
/** After the load, failed deliveries are resent at this interval, as an operator does, in ms. */
const resendEveryMs = 5000;
const outcomes = ['misconfigured', 'exhausted', 'expired'] as const;

/** One run. */
export interface RunOptions {
  readonly faults: readonly PlannedFault[];
  readonly count: number;
  readonly perSecond: number;
  readonly users: number;
  /** The processes of each app. */
  readonly processes: number;
  /** Where the log of each process is written. */
  readonly logs?: string | undefined;
  /** The folder with the built apps of an earlier version, with which the run begins. */
  readonly appsBefore?: string | undefined;
  readonly say: (line: string) => void;
}

/** The result of a run. */
export interface RunResult {
  readonly accounts: readonly Account[];
  /** Notifications that were accepted during the load, per second. */
  readonly heldPerSecond: number;
  readonly streams: {
    readonly all: number;
    readonly withGaps: number;
    readonly outOfOrder: number;
    readonly told: number;
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
    keepsLogs: logs !== undefined,
    processes: Object.fromEntries(apps.map((app) => [app, 0])),
    properties,
    ...(disk !== undefined && { redisFolder: disk.folder }),
  });
  const farLinks = await openFarLinks(system);
  let fleet: Fleet | undefined;
  try {
    system.configure('webhooks.yml', webhooksYaml(farLinks.get('webhook')?.url ?? system.sandbox.url));
    const hasLinks = faults.some(({ target }) => target.includes(' to '));
    const build: AppProcessOptions = appsBefore === undefined ? {} : { appsFolder: appsBefore };
    fleet = await Fleet.start(system, processes, hasLinks, build);
    await subscribeAll(system, users, farLinks);
    const ledger = new Ledger(['websocket', ...transports]);
    return await observe({ system, fleet, postgres, farLinks, disk, ledger, say }, options);
  } finally {
    fleet?.end();
    if (logs !== undefined) keepLogs(system, logs);
    // A server may be down when a run fails, and the error of the run must be seen.
    await system.stop().catch((error: Error) => say(`The stack did not stop cleanly: ${error.message}`));
    await fleet?.close();
    for (const link of farLinks.values()) await link.close();
    disk?.unmount();
    await postgres.current.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function observe(chaos: Chaos, options: RunOptions): Promise<RunResult> {
  const { system, fleet, ledger, say } = chaos;
  const { faults, count, perSecond, users } = options;
  const sockets = await SocketClients.open(system, fleet, ledger, users);
  system.sandbox.onArrival(({ at, provider, request, decryptedBody = '', answer }) => {
    const id = (marker.exec(request.latin1Body) ?? marker.exec(decryptedBody))?.[0];
    if (id === undefined || typeof answer !== 'number' || answer >= 300) return;
    ledger.arrived({ at, stream: provider, id, sentAt: signedAt(request.rawHeaders) });
  });
  const progress = setInterval(() => say(`${ledger.count} accepted, ${ledger.open} deliveries open`), 10_000);
  try {
    const startedAt = performance.now();
    let isLoaded = false;
    const posting = load(fleet, ledger, { count, perSecond, users }).then(() => {
      isLoaded = true;
      return ledger.count / ((performance.now() - startedAt) / 1000);
    });
    const [heldPerSecond] = await Promise.all([posting, perform(chaos, faults)]);
    say(`All are accepted: ${isLoaded}. The last fault is over.`);
    let resentAt = 0;
    while (!ledger.isComplete && Date.now() - ledger.lastArrivalAt < giveUpMs) {
      if (Date.now() - resentAt > resendEveryMs) {
        resentAt = Date.now();
        await resendFailed(chaos);
      }
      await pause(250);
    }
    await pause(repeatsWithinMs);
    await sockets.close();
    const wasTold = (id: string) => sockets.wasTold(userOf(indexOf(id), users), ledger.acceptanceOf(id));
    const all = ledger.accounts();
    const missed = all.find(({ stream }) => stream === 'websocket')?.lost ?? [];
    const accounts = all.map((each) =>
      each.stream === 'websocket' ? { ...each, lost: each.lost.filter((id) => !wasTold(id)) } : each,
    );
    const withGaps = new Set(missed.map((id) => userOf(indexOf(id), users))).size;
    const { outOfOrder, timesTold: told } = sockets;
    return { accounts, heldPerSecond, streams: { all: users, withGaps, outOfOrder, told } };
  } finally {
    clearInterval(progress);
  }
}

/** Resends failed deliveries, for example those whose webhook refused its credentials. */
async function resendFailed({ system, fleet, say }: Chaos): Promise<void> {
  const [api] = fleet.living('api');
  if (api === undefined) return;
  for (const outcome of outcomes) {
    const answer = await system.request('POST', '/v1/deliveries/retry', { outcome }, api).catch(() => undefined);
    // An operator repeats the command when the API, Redis or Postgres is back.
    if (answer?.status !== 200) return;
    const { retried } = (await answer.json()) as { retried: number };
    if (retried > 0) say(`${retried} deliveries that had ended as ${outcome} are sent again`);
  }
}

async function openFarLinks(system: System): Promise<ReadonlyMap<string, Link>> {
  const { apns, fcm } = providersOf(system);
  const urls = { webhook: system.sandbox.url, apns: apns.url, fcm: fcm.url };
  const links = linkedTransports.map(async (transport) => [transport, await Link.to(urls[transport])] as const);
  return new Map(await Promise.all(links));
}

/** Writes the log of each process to a separate file. */
function keepLogs(system: System, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of apps) {
    for (const { child, output } of system.all(name)) writeFileSync(join(folder, `${name}-${child.pid}.log`), output);
  }
}
