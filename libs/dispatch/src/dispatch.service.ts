import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { enqueueDeliveriesFrom, groupedByRoute, nodeOf, parkedNode } from '@pns/delivery';
import { History, type Dispatched, type SuppressedTarget } from '@pns/history';
import { countSuppressed } from '@pns/outcomes';
import type { DueWindow } from '@pns/notifications';
import { SubscriptionStore } from '@pns/persistence';
import { Queues, type Origin } from '@pns/queue';
import type { OpenSpan } from '@pns/runtime';
import { SocketForwarding, SocketRegistry, WebsocketClients } from '@pns/sockets';
import type { UserKey } from '@pns/subscriptions';
import { isRegistered, type Delivery, type TransportName } from '@pns/transport-contract';
import { deliveriesOf, type Audience } from './addressing';
import { dispatchSpan, endingSpans, withSpan } from './dispatch-span';
import { TokenForms } from './token-forms';

/**
 * A part of a batch has about this many deliveries at most, because each delivery may need a job, and Redis does nothing else
 * while one transaction adds all jobs.
 */
const maxDeliveriesPerPart = 1000;
/** A part also has about this many characters in its notifications at most, so that it fits into the memory of this process. */
const maxPartSize = 8 * 1024 * 1024;

/** Due windows of one shard. */
export interface Batch {
  readonly shard: number;
  readonly windows: readonly DueWindow[];
}

/** Windows of a batch whose deliveries are enqueued together. */
interface Part {
  readonly windows: number;
  readonly deliveries: readonly Delivery[];
  readonly suppressed: ReadonlyMap<TransportName, number>;
  /** The records of the part's windows for the history. */
  readonly recorded: readonly Dispatched[];
  /** The trace spans of the part's windows. A window that is not traced has none. */
  readonly spans: readonly OpenSpan[];
}

/** Turns a batch of due windows into deliveries in the queues of their transports. */
@Injectable()
export class Dispatch {
  constructor(
    private readonly queues: Queues,
    private readonly subscriptions: SubscriptionStore,
    private readonly registry: SocketRegistry,
    private readonly cascade: ConfigCascade,
    private readonly websocketClients: WebsocketClients,
    private readonly forms: TokenForms,
    private readonly forwarding: SocketForwarding,
    private readonly history: History,
  ) {}

  /**
   * Enqueues the deliveries of a batch in one transaction, or in several if they are very many or very large. A transaction also
   * settles the windows of its deliveries: `settling(left, count)` is the origin of the next `count` windows, where `left` is the
   * number of windows that are not settled yet. After an error, the call is safe to repeat with the windows that are left.
   */
  async dispatch<Settled extends string>(
    batch: Batch,
    settling: (left: number, count: number) => Origin<Settled>,
  ): Promise<Settled | 'settled' | 'lost'> {
    const audiences = await this.audiencesOf(batch);
    let left = batch.windows.length;
    let settled: Settled | 'settled' | 'lost' = 'settled';
    for await (const { windows, deliveries, suppressed, recorded, spans } of this.parts(batch, audiences)) {
      settled = await endingSpans(spans, () => this.handOver(deliveries, settling(left, windows)));
      if (settled === 'lost') return settled;
      for (const [transport, count] of suppressed) countSuppressed(transport, count);
      for (const dispatched of recorded) this.history.dispatched(dispatched);
      left -= windows;
    }
    return settled;
  }

  private async handOver<Settled extends string>(
    deliveries: readonly Delivery[],
    origin: Origin<Settled>,
  ): Promise<Settled | 'lost'> {
    // Parked deliveries are forwarded before the windows are settled, because the next batch of the same users begins after the
    // settling and must find them.
    await this.forwarding.forwardAll(deliveries.filter(isForParked));
    const toSend = deliveries.filter((delivery) => !isForParked(delivery));
    return enqueueDeliveriesFrom(this.queues, groupedByRoute(toSend, this.queues.keys), origin);
  }

  private async *parts({ windows }: Batch, audiences: ReadonlyMap<string, Audience>): AsyncGenerator<Part> {
    // The users are loaded directly before each part. Otherwise the cache may have evicted users of this batch, and a user who
    // is not in the cache gets nothing.
    const load = () => this.cascade.load(windows.map(({ notification }) => notification));
    await load();
    let part = emptyPart();
    let size = 0;
    let ofWindow: SuppressedTarget[] = [];
    const rules = {
      cascade: this.cascade,
      normalToken: this.forms.normalToken,
      socketWants: (client: string, topic: string) => this.websocketClients.wants(client, topic),
      suppressed: (target: SuppressedTarget) => {
        part.suppressed.set(target.transport, (part.suppressed.get(target.transport) ?? 0) + 1);
        ofWindow.push(target);
      },
      now: Date.now(),
    };
    for (const taken of windows) {
      const span = taken.notification.traceparent === undefined ? undefined : dispatchSpan(taken, windows.length);
      const window = span === undefined ? taken : withSpan(taken, span);
      if (span !== undefined) part.spans.push(span);
      const audience = audiences.get(userKey(window.notification));
      const deliveries = audience === undefined ? [] : deliveriesOf(window, audience, rules);
      if (ofWindow.length > 0 || this.history.isWanted(window.notification, deliveries.length)) {
        part.recorded.push({ window, deliveries, suppressed: ofWindow });
        ofWindow = [];
      }
      part.windows++;
      part.deliveries.push(...deliveries);
      size += deliveries.length * window.size;
      if (part.deliveries.length < maxDeliveriesPerPart && size < maxPartSize) continue;
      yield part;
      await load();
      part = emptyPart();
      size = 0;
    }
    if (part.windows > 0) yield part;
  }

  private async audiencesOf(batch: Batch): Promise<Map<string, Audience>> {
    const users = [...new Map(batch.windows.map(({ notification }) => [userKey(notification), notification])).values()];
    const [subscriptions, sockets] = await Promise.all([
      this.subscriptions.subscriptionsOf(users),
      this.registry.socketsOf(users),
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
}

function emptyPart() {
  return {
    windows: 0,
    deliveries: [] as Delivery[],
    suppressed: new Map<TransportName, number>(),
    recorded: [] as Dispatched[],
    spans: [] as OpenSpan[],
  };
}

/** Whether a delivery is for parked sockets. */
function isForParked(delivery: Delivery): boolean {
  return !isRegistered(delivery.transport) && nodeOf(delivery) === parkedNode;
}

function userKey({ context, user }: UserKey): string {
  return `${context} ${user}`;
}
