import { Injectable } from '@nestjs/common';
import type { Batch } from '@pns/aggregation';
import { ConfigCascade } from '@pns/config-cascade';
import { endpointOf, handOver, SocketForwarding, type DeliveryGroup } from '@pns/delivery';
import { countSuppressed } from '@pns/outcomes';
import { SubscriptionStore } from '@pns/persistence';
import { awayNode, Mailboxes, nodeOf, Presence, socketNodeGroup, WebsocketClients } from '@pns/presence';
import { deliveryQueue, Queues, socketNodeQueue } from '@pns/queue';
import type { UserKey } from '@pns/subscriptions';
import type { Delivery, TransportName } from '@pns/transport-contract';
import { deliveriesOf, type Audience } from './addressing';

/** Turns a batch of due windows into deliveries in the queues of their transports. */
@Injectable()
export class Dispatch {
  private readonly forwarding: SocketForwarding;

  constructor(
    private readonly queues: Queues,
    private readonly subscriptions: SubscriptionStore,
    private readonly presence: Presence,
    private readonly cascade: ConfigCascade,
    private readonly websocketClients: WebsocketClients,
    mailboxes: Mailboxes,
  ) {
    this.forwarding = new SocketForwarding(queues, mailboxes, cascade);
  }

  /** One query, one pipeline and one addition per queue, however many windows. Safe to repeat with the same batch. */
  async handOver(batch: Batch): Promise<void> {
    const audiences = await this.audiencesOf(batch);
    const suppressed = new Map<TransportName, number>();
    const rules = {
      cascade: this.cascade,
      socketWants: (client: string, topic: string) => this.websocketClients.wants(client, topic),
      suppressed: (transport: TransportName) => suppressed.set(transport, (suppressed.get(transport) ?? 0) + 1),
      now: Date.now(),
    };
    const deliveries = batch.windows.flatMap((window) => {
      const audience = audiences.get(userKey(window.notification));
      return audience === undefined ? [] : deliveriesOf(window, audience, rules);
    });
    // Into their mailboxes at once: the next batch of these users, which waits for this one, finds what this one has added.
    await this.forwarding.forwardAll(deliveries.filter(isForAway));
    const toSend = deliveries.filter((delivery) => !isForAway(delivery));
    await handOver(this.queues, this.grouped(batch.shard, toSend));
    for (const [transport, count] of suppressed) countSuppressed(transport, count);
  }

  private async audiencesOf(batch: Batch): Promise<Map<string, Audience>> {
    const users = [...new Map(batch.windows.map(({ notification }) => [userKey(notification), notification])).values()];
    const [subscriptions, sockets] = await Promise.all([
      this.subscriptions.subscriptionsOf(users),
      this.presence.openSockets(users),
      this.cascade.load(users),
    ]);
    const audiences = new Map(
      users.map((user, index) => [
        userKey(user),
        { subscriptions: [] as typeof subscriptions, sockets: sockets[index] ?? [] },
      ]),
    );
    for (const subscription of subscriptions) audiences.get(userKey(subscription))?.subscriptions.push(subscription);
    return audiences;
  }

  /** Deliveries travel with those that share their endpoint, so that one target's trouble stays its own. */
  private grouped(shard: number, deliveries: readonly Delivery[]): DeliveryGroup[] {
    const groups = new Map<string, DeliveryGroup & { deliveries: Delivery[] }>();
    for (const delivery of deliveries) {
      const endpoint = delivery.transport === 'websocket' ? nodeOf(delivery.token) : endpointOf(delivery);
      const id = `${delivery.transport} ${endpoint}`;
      const group = groups.get(id);
      if (group !== undefined) {
        group.deliveries.push(delivery);
        continue;
      }
      const queue =
        delivery.transport === 'websocket'
          ? { group: socketNodeGroup(this.queues.keys), name: socketNodeQueue(endpoint) }
          : { group: this.queues.keys.group(shard), name: deliveryQueue(delivery.transport) };
      groups.set(id, { ...queue, endpoint, deliveries: [delivery] });
    }
    return [...groups.values()];
  }
}

/** Whether a delivery is for sockets that are away. */
function isForAway({ transport, token }: Delivery): boolean {
  return transport === 'websocket' && nodeOf(token) === awayNode;
}

function userKey({ context, user }: UserKey): string {
  return `${context} ${user}`;
}
