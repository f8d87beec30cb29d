import { setTimeout as pause } from 'node:timers/promises';
import type { AppName, System } from '@pns/e2e';
import type { LocalPostgres } from '@pns/local-servers';
import { Redis } from 'ioredis';
import { disturb, heal, type FarSide } from './far-sides';
import type { Fleet } from './fleet';
import type { Ledger } from './ledger';
import type { LinkState } from './link';
import type { ThreadLink } from './links';
import { apps, laneOf, type PlannedFault } from './plans';
import { faultLine } from './report';
import { freeze } from './signals';
import type { SmallDisk } from './small-disk';
import { within } from './within';

/** The longest time between the planned and the real end of a fault, in ms. A rolling restart starts and ends all processes. */
const endsWithinMs = 600_000;

/** The parts of a run that faults act on. */
export interface Chaos {
  readonly system: System;
  readonly fleet: Fleet;
  readonly postgres: { current: LocalPostgres; readonly restart: () => Promise<LocalPostgres> };
  /** The links between the workers and the far sides. */
  readonly farLinks: ReadonlyMap<string, ThreadLink>;
  readonly disk: SmallDisk | undefined;
  readonly ledger: Ledger;
  readonly say: (line: string) => void;
}

/** Makes the faults of a plan happen at their times. Faults with the same target happen one after the other. `signal` ends the plan. */
export async function perform(chaos: Chaos, faults: readonly PlannedFault[], signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  const lanes = new Map<string, Promise<void>>();
  for (const fault of faults) {
    const lane = laneOf(fault);
    const before = lanes.get(lane) ?? Promise.resolve();
    const run = async (): Promise<void> => {
      const delay = Math.max(0, startedAt + fault.at - performance.now());
      await Promise.all([before, pause(delay, undefined, { signal })]);
      signal.throwIfAborted();
      chaos.say(`${fault.kind} ${fault.target}${fault.lasts === 0 ? '' : ` for ${(fault.lasts / 1000).toFixed(1)} s`}`);
      await within(fault.lasts + endsWithinMs, `the end of the fault ${faultLine(fault)}`, happen(chaos, fault));
    };
    lanes.set(lane, run());
  }
  await Promise.all(lanes.values());
}

function happen(chaos: Chaos, { kind, target, lasts }: PlannedFault): Promise<void> {
  const { system, postgres } = chaos;
  switch (kind) {
    case 'kill':
      return kill(chaos, target as AppName);
    case 'terminate':
      return terminate(chaos, target as AppName);
    case 'freeze':
      return freezeApp(chaos, target as AppName, lasts);
    case 'redis-kill':
      return withoutRedis(chaos, () => system.crashRedis(() => pause(lasts)));
    case 'redis-stop':
      return withoutRedis(chaos, async () => {
        await system.redis.stop();
        await system.crashRedis(() => pause(lasts)); // Redis has ended already
      });
    case 'redis-freeze':
      return withoutRedis(chaos, () => frozen(system.redis.pid, lasts));
    case 'redis-full':
      return withoutRedis(chaos, () => fillRedis(system.redis.url, lasts));
    case 'disk-full':
      return withoutRedis(chaos, () => fillDisk(chaos, lasts));
    case 'postgres-kill':
      return restartPostgres(chaos, () => postgres.current.kill(), lasts);
    case 'postgres-stop':
      return restartPostgres(chaos, () => postgres.current.stop(), lasts);
    case 'postgres-freeze':
      return frozen(postgres.current.pid, lasts);
    case 'cut':
    case 'slow':
    case 'half-open':
      return disturbNetwork(chaos, target, kind, lasts);
    case 'hang':
    case 'reset':
    case 'throttle':
    case 'refuse':
      return disturbFarSide(chaos, target as FarSide, kind, lasts);
    case 'roll':
      return roll(chaos);
  }
}

/** Kills the oldest process of an app and starts a new one at once, as a supervisor does. */
async function kill({ fleet, ledger }: Chaos, name: AppName): Promise<void> {
  const [victim] = fleet.living(name);
  if (victim === undefined) return;
  await fleet.kill(victim);
  ledger.died(name);
  await fleet.add(name);
}

async function terminate({ fleet, say }: Chaos, name: AppName): Promise<void> {
  const [victim] = fleet.living(name);
  if (victim === undefined) return;
  const [code] = await Promise.all([fleet.stop(victim), fleet.add(name)]);
  if (code !== 0) say(`${name} ended with code ${code} after SIGTERM`);
}

/** Freezes the oldest process of an app. Other processes take over its jobs, and after the freeze it continues the same jobs. */
async function freezeApp({ fleet, ledger }: Chaos, name: AppName, lasts: number): Promise<void> {
  const [victim] = fleet.living(name);
  if (victim?.child.pid === undefined) return;
  const isOver = ledger.disturbed('frozen', streamOf(name));
  await frozen(victim.child.pid, lasts);
  isOver();
}

async function frozen(pid: number, lasts: number): Promise<void> {
  const goOn = freeze(pid);
  await pause(lasts);
  goOn();
}

/** Ends each process after its successor has started: workers and dispatchers first, then the API, as docs/operating.md requires. */
async function roll({ fleet }: Chaos): Promise<void> {
  await Promise.all(apps.filter((name) => name !== 'api').map((name) => replaceAll(fleet, name)));
  await replaceAll(fleet, 'api');
}

async function replaceAll(fleet: Fleet, name: AppName): Promise<void> {
  const processes = fleet.living(name);
  // No process runs, because the app did not exist in the earlier version.
  if (processes.length === 0) await fleet.add(name);
  for (const process of processes) {
    await fleet.add(name);
    await fleet.stop(process);
  }
}

/** Runs `meanwhile`. The ledger notes that Redis then refuses writes, so that workers cannot record deliveries as arrived. */
async function withoutRedis({ ledger }: Chaos, meanwhile: () => Promise<void>): Promise<void> {
  const isBack = ledger.redisWentAway();
  await meanwhile();
  isBack();
}

async function fillRedis(url: string, lasts: number): Promise<void> {
  const redis = new Redis(url);
  redis.on('error', () => undefined);
  const used = /used_memory:(\d+)/.exec(await redis.info('memory'))?.[1] ?? '1';
  await redis.config('SET', 'maxmemory', used);
  await pause(lasts);
  await redis.config('SET', 'maxmemory', '0');
  redis.disconnect();
}

/** Fills the disk. Redis ends itself when it cannot write its append-only file, and is started again when there is room. */
async function fillDisk({ system, disk, say }: Chaos, lasts: number): Promise<void> {
  if (disk === undefined) return say('left out, because no file system can be mounted here');
  const makeRoom = disk.fill();
  await pause(lasts);
  makeRoom();
  await system.crashRedis();
}

async function restartPostgres({ postgres }: Chaos, end: () => Promise<void>, lasts: number): Promise<void> {
  await end();
  await pause(lasts);
  postgres.current = await postgres.restart();
}

/** `target` is "<app> to redis", "<app> to postgres" or "<app> to far side". */
async function disturbNetwork(chaos: Chaos, target: string, state: LinkState, lasts: number): Promise<void> {
  const { fleet, farLinks, ledger } = chaos;
  const [app = '', server = ''] = target.split(' to ');
  const stream = streamOf(app as AppName);
  const farLink = farLinks.get(stream);
  const links = server === 'far side' ? [farLink].filter((link) => link !== undefined) : ofServer();
  const isOver = server === 'postgres' ? () => undefined : ledger.disturbed(`${state}: ${server}`, stream);
  for (const link of links) link.disturb(state);
  await pause(lasts);
  for (const link of links) link.mend();
  isOver();

  /** Returns the link of one process only, so that the other processes of the app are not disturbed. */
  function ofServer(): readonly ThreadLink[] {
    return fleet.linksOf(app as AppName, server as 'redis' | 'postgres').slice(0, 1);
  }
}

async function disturbFarSide(
  { system, ledger }: Chaos,
  farSide: FarSide,
  fault: Parameters<typeof disturb>[2],
  lasts: number,
): Promise<void> {
  // A far side that resets or hangs a connection also loses answers to other requests on it, so deliveries may be repeated.
  const isOver = fault === 'reset' || fault === 'hang' ? ledger.disturbed(`far side: ${fault}`, farSide) : undefined;
  await disturb(system, farSide, fault);
  await pause(lasts);
  await heal(system, farSide);
  isOver?.();
}

/** The stream of deliveries of a worker; for another app, the name of a stream that does not exist. */
function streamOf(app: AppName): string {
  return app.replace('worker-', '');
}
