import { cuttableLink, testRedisUrl } from '@pns/local-servers';
import type { DeliveryJob } from '@pns/queue';
import { log } from '@pns/runtime';
import type { Job } from 'bullmq';
import { TestNodes, type TestNode } from '../testing/nodes';

log.level = 'silent';

let nodes: TestNodes;
let living: TestNode;

beforeAll(async () => {
  nodes = await TestNodes.prepare();
  living = await nodes.start();
});
afterEach(() => nodes.closeClients());
afterAll(() => nodes.stop());

const post = (number: number) => nodes.dispatch({ payload: { number } });

/** Starts a node with a socket of a new user, and cuts the node's connection to Redis. */
async function cutOffNode() {
  nodes.nextUser();
  const link = await cuttableLink(testRedisUrl());
  const dead = await nodes.start(link.url);
  const query = { session: await nodes.token(), connection: '1' };
  await nodes.open(dead, { query }).connected();
  link.cut();
  const end = async (): Promise<void> => {
    await nodes.close(dead);
    await link.close();
  };
  return { dead, query, end };
}

/** Returns the number in each event, or the name of an event without a number. */
function numbersIn(frames: readonly (readonly unknown[])[]): unknown[] {
  return frames.map(([topic, payload]) => (payload as { number?: number } | undefined)?.number ?? topic);
}

/** Moves a node's oldest job to the state of a job that was in progress when the node died. Returns its id. */
async function takeOldest(node: TestNode): Promise<string> {
  const queue = nodes.queueOf(node);
  const id = await nodes.queues.redis.rpoplpush(queue.toKey('wait'), queue.toKey('active'));
  await nodes.queues.redis.set(queue.toKey(`${id}:lock`), 'of the dead node', 'PX', 10_000);
  return String(id);
}

it.each([
  ['at once', false],
  ['when its node is known to be dead', true],
])(
  'a socket that comes back from a dead node %s receives the deliveries that its node had started and those that waited, in order',
  async (_, isLate) => {
    const { dead, query, end } = await cutOffNode();
    for (const number of [1, 2, 3]) await post(number);
    await takeOldest(dead);
    if (isLate) await nodes.untilDead(dead);
    const client = await nodes.open(living, { query }).connected();
    for (const number of [4, 5]) await post(number);
    expect(numbersIn(await client.got(6))).toEqual(['notifications:missed', 1, 2, 3, 4, 5]);
    await end();
  },
);

it('does not send again what a node stored as sent after it had lost the job', async () => {
  const { dead, query, end } = await cutOffNode();
  for (const number of [1, 2]) await post(number);
  const queue = nodes.queueOf(dead);
  const id = await takeOldest(dead);
  const { data } = (await queue.getJob(id)) as Job<DeliveryJob>;
  await nodes.queues.redis.hset(queue.toKey(id), 'arrived', data.deliveries.map((delivery) => delivery.id).join(' '));
  await nodes.untilDead(dead);
  const client = await nodes.open(living, { query }).connected();
  await post(3);
  expect(numbersIn(await client.got(3))).toEqual(['notifications:missed', 2, 3]);
  await end();
});
