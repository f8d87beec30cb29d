import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@pns/local-servers/waiting';
import type { AppProcess } from './app-process';
import { System } from './system';

/**
 * Makes a process die when it signs a body with `poison-dies`, or block for ever when the body has `poison-blocks`. A
 * forked process inherits this module.
 */
const deadly = `
const crypto = require('node:crypto');
const { createHmac } = crypto;
crypto.createHmac = (...args) => {
  const hmac = createHmac(...args);
  const { update } = hmac;
  hmac.update = (...data) => {
    if (String(data[0]).includes('poison-dies')) process.kill(process.pid, 'SIGKILL');
    // Blocks without using the CPU, which the other tests need.
    if (String(data[0]).includes('poison-blocks')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    return update.apply(hmac, data);
  };
  return hmac;
};
`;

/** A job is split after this number of deaths of its workers. */
const suspectAfterDeaths = 2;
const owner = { context: 1, user: 14 };
const folder = mkdtempSync(join(tmpdir(), 'pns-deadly-'));
let system: System;
let isOver = false;
let deaths = 0;
let replacement: Promise<unknown> = Promise.resolve();

beforeAll(async () => {
  const preload = join(folder, 'deadly.cjs');
  writeFileSync(preload, deadly);
  system = await System.start({
    isDurable: false,
    processes: { 'worker-websocket': 0, 'worker-webhook': 2 },
    nodeArgs: ['--require', preload],
  });
  for (const worker of system.all('worker-webhook')) supervise(worker);
});

beforeEach(() => {
  deaths = 0;
});

afterAll(async () => {
  isOver = true;
  await replacement; // `stop` ends only processes that have started
  await system?.stop();
  rmSync(folder, { recursive: true });
});

/** Replaces the worker if it is dead and kills it if it does not answer, as a deployment does. */
function supervise(worker: AppProcess): void {
  void replaceWhenDead(worker);
  void killWhenSilent(worker);
}

async function replaceWhenDead(worker: AppProcess): Promise<void> {
  await once(worker.child, 'exit');
  if (isOver) return;
  deaths++;
  const starting = system.add('worker-webhook');
  replacement = Promise.all([replacement, starting]);
  supervise(await starting);
}

const isAlive = ({ child }: AppProcess): boolean => child.exitCode === null && child.signalCode === null;

async function killWhenSilent(worker: AppProcess): Promise<void> {
  while (!isOver && isAlive(worker)) {
    await pause(500);
    try {
      await fetch(`${worker.url}/health/live`, { signal: AbortSignal.timeout(10_000) });
    } catch {
      if (!isOver) await worker.kill();
    }
  }
}

async function post(box: string, ids: readonly string[]): Promise<void> {
  const user = { ...owner, user: owner.user + boxes.push(box) };
  await system.subscribe(user, box);
  const notifications = ids.map((id) => ({ ...user, id, topic: 'ox:test', payload: { id } }));
  await system.expect(202, 'POST', '/v1/notifications', { notifications });
}

/** The names of the webhooks, one for each user. */
const boxes: string[] = [];

async function failed(id: string): Promise<object[]> {
  return (await system.expect<{ items: object[] }>(200, 'GET', `/v1/deliveries?notification=${id}`)).items;
}

async function arrivedAt(box: string, count: number): Promise<Set<string>> {
  const arrivals = await system.arrivalsOf(count, box);
  return new Set(arrivals.map(({ body }) => (JSON.parse(body) as { payload: { id: string } }).payload.id));
}

const workers = () => system.all('worker-webhook');

it.each([
  ['dies', 'SIGKILL', 60_000],
  ['blocks', 'it did not answer for 10 s', 200_000],
])(
  'a delivery whose process %s ends as exhausted after two deaths of workers, and the others of its job are delivered',
  async (fate, reason, withinMs) => {
    const poison = `poison-${fate}`;
    const ids = Array.from({ length: 100 }, (_, index) => (index === 50 ? poison : `beside-${fate}-${index}`));
    await post(fate, ids);
    await eventually('the delivery is stored as failed', async () => (await failed(poison)).length > 0, withinMs);
    const text = expect.stringMatching(new RegExp(`died 5 times.*only this delivery.*${reason}`)) as string;
    expect(await failed(poison)).toMatchObject([{ outcome: 'exhausted', reason: text }]);
    expect(await arrivedAt(fate, 99)).toEqual(new Set(ids.filter((id) => id !== poison)));
    expect(deaths).toBe(suspectAfterDeaths);
    const lines = workers().flatMap((worker) => worker.logged('delivery.exhausted'));
    expect(lines.filter(({ notification }) => notification === poison)).toHaveLength(1);
  },
  260_000,
);

it('a delivery does not fail because processes that were sending it were killed', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `harmless-${index}`);
  await fetch(`${system.sandbox.url}/webhooks/slow/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ delayMs: 3000 }),
  });
  const sendersOf = (worker: AppProcess): number[] =>
    worker.logged('delivery.sender-started').map(({ sender }) => Number(sender));
  const senders = (): number[] => workers().filter(isAlive).flatMap(sendersOf);
  const known = new Set(senders());
  const newSender = async (): Promise<number> => {
    await eventually('a new sender has started', () => senders().some((pid) => !known.has(pid)));
    const pid = senders().find((each) => !known.has(each)) ?? NaN;
    known.add(pid);
    return pid;
  };
  const untilMoreCame = async (): Promise<void> => {
    const { total } = await system.arrivals('slow');
    await eventually('another request has arrived', async () => (await system.arrivals('slow')).total > total);
  };
  const killWorkers = () => Promise.all(workers().map((worker) => worker.kill()));

  await post('slow', ids);
  for (let kill = 0; kill < suspectAfterDeaths; kill++) {
    await untilMoreCame();
    await killWorkers();
  }
  const first = await newSender();
  await untilMoreCame();
  process.kill(first, 'SIGKILL');
  const second = await newSender();
  await untilMoreCame();
  await killWorkers();
  await eventually('the second sender has ended', () => !isRunning(second));
  await newSender();
  expect(await arrivedAt('slow', ids.length)).toEqual(new Set(ids));
  for (const id of ids) expect(await failed(id)).toEqual([]);
}, 200_000);

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
