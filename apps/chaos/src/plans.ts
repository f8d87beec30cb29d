import { setTimeout as pause } from 'node:timers/promises';
import { apps, kill, redisAway, redisFull, roll, type Chaos } from './faults';

/** Causes faults while the load runs, for `loadMs` at most. */
export type Plan = (chaos: Chaos, loadMs: number) => Promise<void>;

/** Longer than the lock of a job. */
const awayMs = 15_000;
const kills = 36;
const fullMs = 10_000;

/** The plans, by their name on the command line. */
export const plans: Readonly<Record<string, Plan>> = {
  'redis-away': async (chaos, loadMs) => {
    for (let outage = 0; outage < 5; outage++) {
      await pause(Math.max(1000, loadMs / 5 - awayMs));
      await redisAway(chaos, awayMs);
    }
  },

  kills: async (chaos, loadMs) => {
    const startedAt = performance.now();
    for (let each = 1; each <= kills; each++) {
      await pause(Math.max(0, startedAt + (each * loadMs) / (kills + 1) - performance.now()));
      await kill(chaos, apps[chaos.random(apps.length)] as (typeof apps)[number]);
    }
  },

  'redis-full': async (chaos, loadMs) => {
    for (let round = 0; round < 3; round++) {
      await pause(Math.max(1000, loadMs / 3 - fullMs));
      await redisFull(chaos, async () => {
        await Promise.all([kill(chaos, 'dispatcher'), kill(chaos, 'dispatcher')]);
        await pause(fullMs);
      });
    }
  },

  rolling: async (chaos, loadMs) => {
    await pause(loadMs / 10);
    await roll(chaos);
  },
};
