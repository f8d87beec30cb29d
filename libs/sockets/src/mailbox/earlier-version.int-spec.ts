import { parkedNode } from '@pns/delivery';
import { log } from '@pns/runtime';
import type { Delivery } from '@pns/transport-contract';
import type { Client, Generation } from '../testing/client';
import { TestNodes, type TestNode } from '../testing/nodes';

log.level = 'silent';

let nodes: TestNodes;
let node: TestNode;

beforeAll(async () => {
  nodes = await TestNodes.prepare();
  node = await nodes.start();
});
beforeEach(() => nodes.nextUser());
afterEach(() => nodes.closeClients());
afterAll(() => nodes.stop());

const numbersOf = ({ frames }: Client): unknown[] =>
  frames.map(([, payload]) => (payload as { number: number }).number);

function key(kind: 'sockets' | 'backlog'): string {
  const { context, user } = nodes.user;
  return `${nodes.keys.group(nodes.keys.shardOf(context, user))}:${kind}:${context}:${user}`;
}

/** A delivery as the version before mailboxes addressed it to sockets that are away. */
function earlier(number: number, attempt = 1): Delivery {
  const fields = Object.entries({ ...nodes.delivery(`${parkedNode} 1`), payload: { number }, attempt });
  return Object.fromEntries(fields.filter(([name]) => name !== 'order' && name !== 'lookedAt')) as unknown as Delivery;
}

/** Stores the registry entry of an earlier version for a socket that closed at `at`, in ms since the epoch. */
async function leaves(connection: string, at: number): Promise<void> {
  const entry = { n: 'old', c: nodes.delivery('').client, o: at - 1000, s: at - 500, x: at };
  await nodes.queues.redis.hset(key('sockets'), connection, JSON.stringify(entry));
}

/** Stores a delivery as the version before mailboxes did, but without its job that ended the parking two minutes later. */
async function park(delivery: Delivery, at: number): Promise<void> {
  const id = `${encodeURIComponent(delivery.notificationId)} ${delivery.client}`;
  const line = [at, 0, 0, delivery.client, '', id, JSON.stringify(delivery)].join('|');
  await nodes.queues.redis.rpush(key('backlog'), line);
}

describe('after an upgrade from the version before mailboxes', () => {
  it.each<[Generation]>([['v2'], ['v4']])(
    'a client of Socket.IO %s receives its parked notifications before new ones',
    async (generation) => {
      const [kept, left] = [[0, 1, 2].map((number) => earlier(number)), Date.now() - 3000];
      await leaves('1', left);
      for (const [index, delivery] of kept.entries()) await park(delivery, left + 1 + index);
      await nodes.dispatch({ payload: { number: 3 } });
      const client = await nodes.connect(node, '1', { generation });
      await nodes.dispatch({ payload: { number: 4 } });
      await client.got(5);
      await nodes.quiet();
      expect(numbersOf(client)).toEqual([0, 1, 2, 3, 4]);
      for (const delivery of kept) {
        await nodes.enqueue({ ...delivery, attempt: 2 }); // the job that ends its parking, two minutes later
        await expect(nodes.outcome(delivery, 'moved', 'expired')).resolves.toMatchObject({ kind: 'moved' });
      }
    },
  );

  it('deliveries in progress to parked sockets reach them', async () => {
    await leaves('1', Date.now() - 1000);
    const delivery = earlier(0);
    await nodes.enqueue(delivery);
    await nodes.parked(delivery.id);
    const client = await nodes.connect(node, '1');
    await client.got(1);
    expect(numbersOf(client)).toEqual([0]);
  });

  it('deliveries of sockets that did not come back count as expired', async () => {
    const left = Date.now() - 119_000;
    const delivery = earlier(0);
    await leaves('1', left);
    await park(delivery, left + 1);
    await nodes.enqueue({ ...delivery, attempt: 2 });
    await expect(nodes.outcome(delivery, 'moved', 'expired')).resolves.toMatchObject({ kind: 'expired' });
  });
});
