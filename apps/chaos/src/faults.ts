import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { AppName, AppProcess, System } from '@pns/e2e';
import type { Ledger } from './ledger';

/** The input of a plan. */
export interface Chaos {
  readonly system: System;
  readonly ledger: Ledger;
  readonly say: (line: string) => void;
  /** A random integer from 0 to below `bound`; the sequence is the same for the same seed. */
  readonly random: (bound: number) => number;
}

/** The apps that a plan may kill, at least two processes of each. */
export const apps = [
  'api',
  'dispatcher',
  'worker-websocket',
  'worker-webhook',
  'worker-apns',
  'worker-fcm',
  'worker-wns',
] as const satisfies readonly AppName[];

export function randomFrom(seed: number): Chaos['random'] {
  const generator = xoroshiro128plus(seed);
  return (bound) => uniformInt(generator, 0, bound - 1);
}

/** The processes of an app that have not ended. */
export function living(system: System, name: AppName): AppProcess[] {
  return system.all(name).filter(({ child }) => child.exitCode === null && child.signalCode === null);
}

/** Kills one process, which a supervisor replaces at once. */
export async function kill({ system, ledger, say, random }: Chaos, name: AppName): Promise<void> {
  const candidates = living(system, name);
  const victim = candidates[random(candidates.length)];
  if (victim === undefined) return;
  await victim.kill();
  ledger.died(name);
  say(`killed ${name}`);
  await system.add(name);
}

/** Ends each process in turn after its successor has started, as a deployment does. */
export async function roll({ system, say }: Chaos): Promise<void> {
  for (const name of apps) {
    for (const process of living(system, name)) {
      await system.add(name);
      await process.stop();
    }
    say(`restarted ${name}`);
  }
}

/** Kills Redis and starts it again on its append-only file after some time. */
export async function redisAway({ system, ledger, say }: Chaos, awayMs: number): Promise<void> {
  const isBack = ledger.redisWentAway();
  say(`killed Redis for ${awayMs / 1000} s`);
  await system.crashRedis(() => pause(awayMs));
  isBack();
  say('started Redis again');
}

/** Gives Redis no memory while `meanwhile` runs. */
export async function redisFull({ system, ledger, say }: Chaos, meanwhile: () => Promise<void>): Promise<void> {
  const redis = new Redis(system.redis.url);
  const used = /used_memory:(\d+)/.exec(await redis.info('memory'))?.[1] ?? '1';
  const isBack = ledger.redisWentAway();
  await redis.config('SET', 'maxmemory', used);
  say('Redis is full');
  await meanwhile();
  await redis.config('SET', 'maxmemory', '0');
  isBack();
  redis.disconnect();
  say('Redis has room again');
}
