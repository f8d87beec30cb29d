import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppProcess } from './app-process';
import { eventually } from './eventually';
import { System } from './system';

/** Makes a process end as soon as it signs a body that holds the word. */
const deadly = `
const crypto = require('node:crypto');
const { createHmac } = crypto;
crypto.createHmac = (...args) => {
  const hmac = createHmac(...args);
  const { update } = hmac;
  hmac.update = (...data) => {
    if (String(data[0]).includes('poison')) process.exit(1);
    return update.apply(hmac, data);
  };
  return hmac;
};
`;

/** Two deaths until the job is taken apart, and two more until the delivery is known for sure. */
const expectedDeaths = 4;
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
    processes: { 'worker-websocket': 0, 'worker-webhook': 2 },
    nodeArgs: ['--require', preload],
  });
  for (const worker of system.all('worker-webhook')) void replaceWhenDead(worker);
}, 60_000);

afterAll(async () => {
  isOver = true;
  await replacement; // stopping knows the processes that have started
  await system?.stop();
  rmSync(folder, { recursive: true });
});

/** As the supervisor of a deployment does. */
async function replaceWhenDead(worker: AppProcess): Promise<void> {
  await once(worker.child, 'exit');
  if (isOver) return;
  deaths++;
  const starting = system.add('worker-webhook');
  replacement = Promise.all([replacement, starting]);
  void replaceWhenDead(await starting);
}

it('a delivery that kills its workers is given up, and the others of its job are delivered', async () => {
  await system.subscribe(owner, 'box');
  const ids = Array.from({ length: 100 }, (_, index) => (index === 50 ? 'poison' : `harmless-${index}`));
  const notifications = ids.map((id) => ({ ...owner, id, topic: 'ox:test', payload: { id } }));
  await system.expect(202, 'POST', '/v1/notifications', { notifications });
  const failed = async () =>
    (await system.expect<{ items: object[] }>(200, 'GET', '/v1/deliveries?notification=poison')).items;
  await eventually(async () => (await failed()).length > 0, 240_000);
  expect(await failed()).toMatchObject([{ outcome: 'exhausted', reason: expect.stringContaining('died') as string }]);
  const arrivals = await system.arrivalsOf(99, 'box');
  const arrived = arrivals.map(({ body }) => (JSON.parse(body) as { payload: { id: string } }).payload.id);
  expect(new Set(arrived)).toEqual(new Set(ids.filter((id) => id !== 'poison')));
  expect(deaths).toBe(expectedDeaths);
  const lines = system.all('worker-webhook').flatMap((worker) => worker.logged('delivery.exhausted'));
  expect(lines).toMatchObject([{ notification: 'poison' }]);
}, 300_000);
