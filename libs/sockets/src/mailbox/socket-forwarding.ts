import type { ConfigCascade } from '@pns/config-cascade';
import { parkedMs } from '../registry/socket-times';
import { parkedNode, parkedToken, nodeOf, handOver, type DeliveryGroup } from '@pns/delivery';
import { socketNodeGroup, socketNodeQueue, type Queues } from '@pns/queue';
import type { UnplacedDelivery, MailboxLimits, Mailboxes } from './mailboxes';
import type { UserKey } from '../registry/socket-keys';
import type { Delivery, Outcome } from '@pns/transport-contract';

/** A delivery that was sent on this often is given up, and its socket is told that it missed something. */
const maxMoves = 10;

/** A delivery that follows its socket waits this long before it goes on, in ms, unless it is one of its first moves. */
const movePauseMs = 250;

/** The outcome if no mailbox has room, and the outcome if no socket of the user can come back. */
export const endOfForwarding = {
  full: { kind: 'expired', reason: 'too much waits for its socket already' },
  gone: { kind: 'expired', reason: 'its socket is gone' },
} as const satisfies Readonly<Record<string, Outcome>>;

/** How much may wait for one socket of a user. */
export function mailboxLimits(cascade: Pick<ConfigCascade, 'resolve'>, user: UserKey): MailboxLimits {
  return {
    maxNotifications: cascade.resolve('com.openexchange.websockets.mailbox.maxNotifications', user).value,
    maxBytes: cascade.resolve('com.openexchange.websockets.mailbox.maxBytes', user).value,
  };
}

/** Sends deliveries to where their sockets are by now: into mailboxes, or to the nodes of sockets that came back. */
export class SocketForwarding {
  constructor(
    private readonly queues: Queues,
    private readonly mailboxes: Mailboxes,
    private readonly cascade: Pick<ConfigCascade, 'resolve'>,
  ) {}

  /** Answers in order how each delivery ended here. Keeps the order of those that go the same way. Safe to repeat. */
  async forward(deliveries: readonly UnplacedDelivery[]): Promise<Outcome[]> {
    const exhausted = deliveries.filter(({ delivery }) => delivery.attempt >= maxMoves);
    await Promise.all(exhausted.map(({ delivery }) => this.mailboxes.markMissed(delivery, connectionIdOf(delivery))));
    const moving = deliveries.filter(({ delivery }) => delivery.attempt < maxMoves);
    const whereabouts = await this.mailboxes.park(moving, (user) => mailboxLimits(this.cascade, user));
    const ends = new Map<UnplacedDelivery, Outcome>();
    const [waiting, back]: [Delivery[], Delivery[]] = [[], []];
    for (const [index, one] of moving.entries()) {
      const became = whereabouts[index];
      if (became === undefined) continue;
      const attempt = one.delivery.attempt + 1;
      if (became.waiting === 'parked') waiting.push(settling(one.delivery, attempt));
      for (const { node, connection } of became.back) {
        back.push({ ...one.delivery, token: `${node} ${connection}`, attempt });
      }
      if (became.back.length > 0) ends.set(one, { kind: 'moved', reason: 'its socket came back already' });
      else if (became.waiting === 'parked')
        ends.set(one, { kind: 'moved', reason: 'waits for its socket to come back' });
      else ends.set(one, became.waiting === 'full' ? endOfForwarding.full : endOfForwarding.gone);
    }
    await this.sendBack(back);
    if (waiting.length > 0) {
      await handOver(this.queues, [this.group(parkedNode, waiting)], { delayMs: parkedMs, round: 'settle' });
    }
    return deliveries.map((one) => ends.get(one) ?? { kind: 'expired', reason: 'its socket was found nowhere' });
  }

  /** As `forward`, for a caller that records no outcomes: those that ended here are recorded by a websocket worker. */
  async forwardAll(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const outcomes = await this.forward(deliveries.map((delivery) => ({ delivery })));
    const ended = deliveries.flatMap((delivery, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined || outcome.kind === 'moved') return [];
      const step = outcome === endOfForwarding.full ? 'full' : 'gone';
      return [{ ...delivery, payload: {}, token: parkedToken(step), attempt: delivery.attempt + 1 }];
    });
    if (ended.length > 0) await handOver(this.queues, [this.group(parkedNode, ended)]);
  }

  /** Sends deliveries to the sockets that their tokens name. */
  async sendBack(deliveries: readonly Delivery[]): Promise<void> {
    for (const [pauseMs, some] of [
      [0, deliveries.filter(({ attempt }) => attempt <= 3)],
      [movePauseMs, deliveries.filter(({ attempt }) => attempt > 3)],
    ] as const) {
      const nodes = new Set(some.map(({ token }) => nodeOf(token)));
      const groups = [...nodes].map((node) =>
        this.group(
          node,
          some.filter(({ token }) => nodeOf(token) === node),
        ),
      );
      if (groups.length > 0) await handOver(this.queues, groups, { delayMs: pauseMs });
    }
  }

  private group(node: string, deliveries: readonly Delivery[]): DeliveryGroup {
    const group = socketNodeGroup(this.queues.keys);
    return { group, name: socketNodeQueue(node), endpoint: node, deliveries };
  }
}

/** What ends the waiting of a delivery. The mailbox has its payload, and decides whether it was in time. */
function settling(delivery: Delivery, attempt: number): Delivery {
  const settled = { ...delivery, payload: {}, token: parkedToken('settle'), attempt };
  Reflect.deleteProperty(settled, 'expiresAt');
  return settled;
}

/** The one connection id that a delivery is for, or nothing. */
function connectionIdOf({ token }: Delivery): string {
  const node = nodeOf(token);
  return node === parkedNode ? '' : token.slice(node.length + 1);
}
