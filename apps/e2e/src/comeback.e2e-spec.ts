import { eventually } from '@pns/local-servers/waiting';
import { Redis } from 'ioredis';
import type { AppProcess } from './app-process';
import { listen, type Listener } from './sockets';
import { System } from './system';

const user = { context: 1, user: 14 };

let system: System;

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
    processes: { 'worker-websocket': 2, 'worker-webhook': 0 },
    properties: { 'com.openexchange.pns.delayDuration': 0 },
  });
});
afterAll(() => system?.stop());

async function post(numbers: readonly number[]): Promise<void> {
  for (const id of numbers) {
    const payload = { folder: 'default0/INBOX', id: `${id}` };
    await system.expect(202, 'POST', '/v1/notifications', { ...user, topic: 'ox:mail:new', payload });
  }
}

/** Connects with a connection id until it is accepted. The id is refused while the node of its last socket may be alive. */
function comeBack(worker: AppProcess, connection: string): Promise<Listener> {
  return eventually('the socket is open again', () =>
    listen(system, user, { connection, worker }).catch(() => undefined),
  );
}

/** The ids of the mails that arrived at the socket. */
function idsOf({ received }: Listener): Set<number> {
  return new Set(received.map(({ frame }) => Number((frame[1] as { id: string }).id)));
}

/** Resolves when no process has a job. Then all arrivals are settled and will not be repeated. */
async function untilIdle(): Promise<void> {
  const redis = new Redis(system.redis.url);
  await eventually('no process has a job', async () => (await redis.keys('*:active')).length === 0);
  redis.disconnect();
}

it.each([
  ['is killed gets all since, and notifications:missed', 1, (worker: AppProcess) => worker.kill()],
  ['stops misses nothing', 0, async (worker: AppProcess) => expect(await worker.stop()).toBe(0)],
])('a socket whose node %s when it comes back', async (_, informed, end) => {
  const [first, second] = system.all('worker-websocket').slice(-2) as [AppProcess, AppProcess];
  const socket = await listen(system, user, { connection: '160491815377', worker: first });
  await post([1]);
  await socket.got(1);
  await untilIdle();
  await end(first);
  await post([2, 3, 4]);
  const back = await comeBack(second, '160491815377');
  await post([5]);
  await back.until(() => [2, 3, 4, 5].every((id) => idsOf(back).has(id)));
  expect(idsOf(back)).toEqual(new Set([2, 3, 4, 5]));
  expect(back.timesInformed()).toBe(informed);
  back.socket.close();
  await system.add('worker-websocket');
});
