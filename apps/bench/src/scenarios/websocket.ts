import { enqueueDeliveries } from '@pns/delivery';
import type { System } from '@pns/e2e';
import { SocketNodes } from '@pns/sockets';
import { socketNodeGroup, Queues, socketNodeQueue } from '@pns/queue';
import { connectRedis, KeySpace } from '@pns/redis';
import type { Delivery } from '@pns/transport-contract';
import { Child } from '../child';
import { cpuCosts } from '../cpu';
import { mailNotification } from '../notifications';
import type { Measured, Scenario, Size } from '../scenario';
import { withRedis } from '../servers';
import { withBareSocketIo, withSocketNode } from '../socket-node';
import { WebSockets } from '../web-sockets';

/** The number of sockets in the scenario. The curves have other numbers. */
export const usualUsers = 1000;
const deliveriesOf = (size: Size): number => (size === 'full' ? 150_000 : 40_000);
/** The number of first deliveries, which are not measured, because code is compiled meanwhile. */
const warmUp = 10_000;
/** Deliveries that are enqueued at once. */
const deliveriesPerEnqueue = 5000;

/** Measures deliveries from the queue of a node to the sockets of this number of users. */
export const toSockets =
  (users: number) =>
  (size: Size): Promise<Measured> =>
    withSocketNode({}, async (system) => {
      const worker = system.app('worker-websocket');
      const pids = { Node: worker.child.pid ?? 0, Redis: system.redis.pid };
      const sockets = await WebSockets.open(worker.url, users);
      const queue = await NodeQueue.of(system, users);
      try {
        return await deliveredToSockets(size, sockets, pids, {
          prepare: (first, count) => queue.fill(first, count),
          release: () => queue.release(),
        });
      } finally {
        await queue.close();
        await sockets.close();
      }
    });

const baseline = (size: Size): Promise<Measured> =>
  withBareSocketIo(async (server, url) => {
    const sockets = await WebSockets.open(url, usualUsers);
    let question: object = {};
    try {
      return await deliveredToSockets(
        size,
        sockets,
        { Node: server.pid },
        {
          prepare: (first, count) => Promise.resolve(void (question = { first, count, users: usualUsers })),
          release: () => server.ask(question),
        },
      );
    } finally {
      await sockets.close();
    }
  });

const limit = (size: Size): Promise<Measured> =>
  withRedis(async ({ url: redisUrl, pid }) => {
    const server = Child.start('baselines/socket-batches');
    let sockets: WebSockets | undefined;
    try {
      const { url } = await server.ask<{ url: string }>({ redisUrl });
      sockets = await WebSockets.open(url, usualUsers);
      return await deliveredToSockets(
        size,
        sockets,
        { Node: server.pid, Redis: pid },
        {
          prepare: async (first, count) => void (await server.ask<object>({ first, count, users: usualUsers })),
          release: () => server.ask({ release: true }),
        },
      );
    } finally {
      await sockets?.close();
      await server.stop();
    }
  });

/** The functions of a side, which prepare the notifications from `first` on and send them. */
interface Side {
  readonly prepare: (first: number, count: number) => Promise<void>;
  readonly release: () => Promise<unknown>;
}

/** Measures deliveries until they have arrived at the sockets, after a warm-up. */
export async function deliveredToSockets(
  size: Size,
  sockets: WebSockets,
  pids: Readonly<Record<string, number>>,
  { prepare, release }: Side,
): Promise<Measured> {
  const send = async (first: number, count: number) => {
    await prepare(first, count);
    const arrival = sockets.arrivalOf(first, count);
    const costs = cpuCosts(pids);
    const startedAt = Date.now();
    await release();
    const { lastAt, lost, duplicated } = await arrival;
    return { value: count / ((lastAt - startedAt) / 1000), lost, duplicated, costs: costs(count) };
  };
  await send(0, warmUp);
  return send(warmUp, deliveriesOf(size));
}

/** The queue of the only node. It gets the same jobs as from a dispatcher, and is paused while it is filled. */
class NodeQueue {
  private constructor(
    private readonly queues: Queues,
    private readonly node: string,
    private readonly users: number,
  ) {}

  static async of(system: System, users: number): Promise<NodeQueue> {
    const queues = new Queues(connectRedis(system.redis.url), new KeySpace(1));
    const [node] = await new SocketNodes(queues.redis, queues.keys).withQueues();
    if (node === undefined) throw new Error('No node says that it is there.');
    return new NodeQueue(queues, node, users);
  }

  async fill(first: number, count: number): Promise<void> {
    await this.queue().pause();
    const ref = { group: socketNodeGroup(this.queues.keys), name: socketNodeQueue(this.node), endpoint: this.node };
    for (let from = first; from < first + count; from += deliveriesPerEnqueue) {
      const some = Math.min(deliveriesPerEnqueue, first + count - from);
      const deliveries = Array.from({ length: some }, (_, index) => this.delivery(from + index));
      await enqueueDeliveries(this.queues, [{ ...ref, deliveries }]);
    }
  }

  release(): Promise<void> {
    return this.queue().resume();
  }

  close(): Promise<void> {
    return this.queues.onApplicationShutdown();
  }

  private queue() {
    return this.queues.queue(socketNodeGroup(this.queues.keys), socketNodeQueue(this.node));
  }

  private delivery(index: number): Delivery {
    const now = Date.now();
    return {
      id: `delivery-${index}`,
      notificationId: `notification-${index}`,
      ...mailNotification(index, this.users),
      client: 'open-xchange-appsuite',
      transport: 'websocket',
      token: this.node,
      priority: 'high',
      count: 1,
      timestamp: now,
      dueAt: now,
      attempt: 1,
    };
  }
}

/** The deliveries from the queue of a node to its thousand sockets, compared with Socket.IO that emits to them directly. */
export const websocket: Scenario = {
  name: 'websocket',
  unit: 'deliveries/s',
  ours: toSockets(usualUsers),
  baseline,
  limit,
  goals: [{ atLeast: 0.8 }],
};
