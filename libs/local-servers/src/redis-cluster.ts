import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { LocalServerError } from './local-server-error';
import { startRedis, type LocalRedis, type RedisOptions } from './redis';
import { freePort } from './server-process';

const slots = 16_384;
const masterCount = 3;
/** The masters must have found each other within this time, in ms. On an idle machine they need two seconds. */
const agreeWithinMs = 60_000;

/** Three masters, each with a third of the slots, and no replicas. */
export interface LocalRedisCluster {
  /** `redis-cluster://` with the addresses of all masters. */
  readonly url: string;
  /** The masters in the order of their slots. */
  readonly masters: readonly LocalRedis[];
  /** Kills a master like a crash, calls `meanwhile`, and starts the master again with its append-only file. */
  crash(index: number, meanwhile?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a Redis Cluster on 127.0.0.1.
 *
 * @throws LocalServerError when there is no real Redis on this machine, or when the cluster does not start.
 */
export async function startRedisCluster({
  dataDir,
  ...options
}: Omit<RedisOptions, 'port'>): Promise<LocalRedisCluster> {
  const plans: RedisOptions[] = [];
  for (let index = 0; index < masterCount; index++) {
    const folder = join(dataDir, `${index}`);
    mkdirSync(folder, { recursive: true });
    // The default cluster port is the port of the server plus 10,000, which may be in use.
    plans.push({ ...options, dataDir: folder, clusterPort: await freePort() });
  }
  const masters: LocalRedis[] = [];
  const stop = async (): Promise<void> => void (await Promise.all(masters.map((master) => master.stop())));
  try {
    for (const plan of plans) {
      const master = await startRedis(plan);
      masters.push(master);
      if (master.kind === 'js') throw new LocalServerError(noRealRedis());
    }
    await assemble(masters, plans);
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `redis-cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join()}`;
  const crash = async (index: number, meanwhile = () => Promise.resolve()): Promise<void> => {
    const [master, plan] = [masters[index], plans[index]];
    if (master === undefined || plan === undefined) throw new Error(`There is no master ${index}.`);
    await master.kill();
    await meanwhile();
    masters[index] = await startRedis({ ...plan, port: master.port });
  };
  return { url, masters, crash, stop };
}

function noRealRedis(): string {
  const install = process.platform === 'darwin' ? 'brew install redis' : 'apt-get install redis-server';
  return `A cluster needs a real Redis, and there is none on this machine; install one with: ${install}`;
}

/** Assigns the slots, connects the masters and waits until each master has found all others. */
async function assemble(masters: readonly LocalRedis[], plans: readonly RedisOptions[]): Promise<void> {
  const connections = masters.map(({ url }) => new Redis(url));
  try {
    const bounds = Array.from({ length: masterCount + 1 }, (_, index) => Math.round((index * slots) / masterCount));
    for (const [index, redis] of connections.entries()) {
      await redis.call('CLUSTER', 'ADDSLOTSRANGE', bounds[index] as number, (bounds[index + 1] as number) - 1);
      await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }
    for (const redis of connections.slice(1)) {
      await redis.call(
        'CLUSTER',
        'MEET',
        '127.0.0.1',
        (masters[0] as LocalRedis).port,
        plans[0]?.clusterPort as number,
      );
    }
    await untilAgreed(connections);
  } finally {
    connections.forEach((redis) => redis.disconnect());
  }
}

async function untilAgreed(connections: readonly Redis[]): Promise<void> {
  for (const deadline = Date.now() + agreeWithinMs; Date.now() < deadline; await sleep(50)) {
    const infos = await Promise.all(connections.map((redis) => redis.cluster('INFO')));
    const wanted = ['cluster_state:ok', `cluster_slots_ok:${slots}`, `cluster_known_nodes:${masterCount}`];
    if (infos.every((info) => wanted.every((line) => String(info).split('\r\n').includes(line)))) return;
  }
  throw new LocalServerError(`The masters of the cluster did not find each other within ${agreeWithinMs / 1000} s.`);
}
