import { enqueueDeliveries, routeOf } from '@pns/delivery';
import { Queues } from '@pns/queue';
import { connectRedis, KeySpace } from '@pns/redis';
import type { Sandbox } from '@pns/sandbox';
import type { System } from '@pns/e2e';
import type { Delivery } from '@pns/transport-contract';
import { addSubscriptions, deliveryOf, shards } from './backlog';
import type { Client, FarSide } from './far-sides';
import { evenly } from './pace';

/** A delivery to one of a client's targets. */
export interface Sent {
  readonly client: Client;
  readonly target: number;
}

/** Enqueues each delivery as a separate job, like a dispatcher that takes one window at a time. */
export class Sender {
  private next = 0;

  private constructor(
    private readonly farSide: FarSide,
    private readonly sandbox: Sandbox,
    private readonly queues: Queues,
    private readonly deliveries: readonly ReturnType<typeof deliveryOf>[],
  ) {}

  /** Prepares `most` deliveries and stores a subscription for each. The sender can send at most this number of deliveries. */
  static async start(farSide: FarSide, system: System, sandbox: Sandbox, most: number): Promise<Sender> {
    const deliveries = Array.from({ length: most }, (_, index) => deliveryOf(index));
    const ids = deliveries.map(({ subscriptionId }) => subscriptionId);
    await addSubscriptions(system.databaseUrl, ids, farSide.transport);
    return new Sender(farSide, sandbox, new Queues(connectRedis(system.redis.url), new KeySpace(shards)), deliveries);
  }

  /** Calls `of` `count` times at an even pace, and enqueues the deliveries that it returns. */
  async evenly(count: number, perSecond: number, of: (index: number) => readonly Sent[]): Promise<void> {
    await evenly(count, perSecond, (index) => this.send(of(index)));
  }

  close(): Promise<void> {
    return this.queues.onApplicationShutdown();
  }

  private async send(all: readonly Sent[]): Promise<void> {
    const { transport } = this.farSide;
    const now = Date.now();
    const groups = all.flatMap(({ client, target }) => {
      const prepared = this.deliveries[this.next++];
      if (prepared === undefined) return [];
      const {
        token,
        configured = client,
        subscriptionId = prepared.subscriptionId,
      } = this.farSide.target(this.sandbox, client, target);
      const times = { timestamp: now, dueAt: now };
      const delivery: Delivery = { ...prepared, ...times, transport, client: configured, token, subscriptionId };
      return [{ ...routeOf(delivery, this.queues.keys), deliveries: [delivery] }];
    });
    await enqueueDeliveries(this.queues, groups);
  }
}
