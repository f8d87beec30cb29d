import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type LocalRedis } from '@pns/local-servers';
import { connectRedis } from '@pns/redis';
import { log } from '@pns/runtime';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { deaths } from './deaths';
import { Scene } from './scene';
import { perform, step, type Step } from './steps';

log.level = 'silent';

/** `MODEL_RUNS` and `MODEL_SECONDS` choose a longer search, and `MODEL_SEED` repeats one. */
const runs = Number(process.env['MODEL_RUNS'] ?? 60);
const seconds = Number(process.env['MODEL_SECONDS'] ?? 60);
const seed = process.env['MODEL_SEED'];

const folder = mkdtempSync(join(tmpdir(), 'pns-model-'));
let redis: LocalRedis;
let admin: Redis;
let scene: Scene;

beforeAll(async () => {
  redis = await startRedis({ dataDir: folder, isDurable: false });
  admin = connectRedis(redis.url) as Redis;
  jest.useFakeTimers({
    doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'queueMicrotask', 'performance', 'hrtime'],
  });
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
  scene = new Scene(redis.url, admin, { advance: (ms) => void jest.advanceTimersByTime(ms) });
});

afterAll(async () => {
  await scene.abandon();
  jest.useRealTimers();
  jest.restoreAllMocks();
  admin.disconnect();
  await redis.stop();
  rmSync(folder, { recursive: true });
});

const oneOfEach: readonly Step[] = [
  { do: 'post', which: 0, api: 0 },
  ...new Array<Step>(20).fill({ do: 'release', which: 0, count: 1 }),
  { do: 'advance', ms: 2000 },
  { do: 'fetch', which: 0 },
  ...new Array<Step>(20).fill({ do: 'release', which: 0, count: 1 }),
  { do: 'fetch', which: 2 },
  ...new Array<Step>(20).fill({ do: 'release', which: 0, count: 1 }),
  { do: 'answer', which: 0, outcome: { kind: 'retry', reason: 'HTTP 503' } },
];

async function run(steps: readonly Step[]): Promise<void> {
  await scene.begin();
  try {
    for (const each of steps) {
      await perform(scene, each);
      scene.look();
    }
    await scene.recover();
    await scene.drain();
    scene.check();
  } catch (error) {
    await scene.abandon();
    throw error;
  }
}

it(
  'nothing is lost, repeated without need or sent too early, however the steps of the processes interleave',
  async () => {
    await run(oneOfEach); // loads all scripts, so that later each request is executed once
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 120, size: 'max' }), run), {
      numRuns: deaths.length + runs,
      examples: deaths.map((steps): [Step[]] => [[...steps]]),
      interruptAfterTimeLimit: seconds * 1000,
      ...(seed !== undefined && { seed: Number(seed) }),
    });
  },
  120_000 + seconds * 1000,
);
