import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { enqueueDeliveries, groupedByRoute, socketTargetOf, withTarget, type EnqueueOptions } from '@pns/delivery';
import { Queues } from '@pns/queue';
import type { UserKey } from '@pns/subscriptions';
import type { Delivery, Outcome, ParkedStep } from '@pns/transport-contract';
import { parkedMs } from '../registry/socket-rules';
import { Mailboxes, type MailboxLimits, type UnplacedDelivery } from './mailboxes';

/** A delivery that was forwarded this often expires, and the client of its socket is informed that it missed notifications. */
const maxMoves = 10;

/** A delivery that follows its socket waits this long before it is forwarded, in ms, except for its first moves. */
const movePauseMs = 250;

/** The outcome if no mailbox has room, and the outcome if no socket of the user can come back. */
export const endOfForwarding = {
  full: { kind: 'expired', reason: 'the mailbox of its socket is full' },
  gone: { kind: 'expired', reason: 'its socket is gone' },
} as const satisfies Readonly<Record<string, Outcome>>;

/** How much may be parked for one socket of a user. */
export function mailboxLimits(cascade: Pick<ConfigCascade, 'resolve'>, user: UserKey): MailboxLimits {
  return {
    maxNotifications: cascade.resolve('com.openexchange.websockets.mailbox.maxNotifications', user).value,
    maxBytes: cascade.resolve('com.openexchange.websockets.mailbox.maxBytes', user).value,
  };
}

/** Sends deliveries to the current place of their sockets: to mailboxes, or to the nodes of sockets that came back. */
@Injectable()
export class SocketForwarding {
  constructor(
    private readonly queues: Queues,
    private readonly mailboxes: Mailboxes,
    private readonly cascade: ConfigCascade,
  ) {}

  /**
   * Forwards deliveries and returns their outcomes in order. Keeps the order of deliveries to the same target. Safe to repeat.
   */
  async forward(deliveries: readonly UnplacedDelivery[]): Promise<Outcome[]> {
    const exhausted = deliveries.filter(({ delivery }) => delivery.attempt >= maxMoves);
    await Promise.all(exhausted.map(({ delivery }) => this.mailboxes.markMissed(delivery, connectionIdOf(delivery))));
    const moving = deliveries.filter(({ delivery }) => delivery.attempt < maxMoves);
    const results = await this.mailboxes.park(moving, (user) => mailboxLimits(this.cascade, user));
    const ends = new Map<UnplacedDelivery, Outcome>();
    const [parked, back]: [Delivery[], Delivery[]] = [[], []];
    for (const [index, one] of moving.entries()) {
      const became = results[index];
      if (became === undefined) continue;
      const attempt = one.delivery.attempt + 1;
      if (became.kind === 'parked') parked.push(settling(one.delivery, attempt));
      for (const { node, connection } of became.back) {
        back.push({ ...withTarget(one.delivery, { kind: 'socket', node, connection }), attempt });
      }
      if (became.back.length > 0) ends.set(one, { kind: 'moved', reason: 'its socket came back already' });
      else if (became.kind === 'parked') ends.set(one, { kind: 'moved', reason: 'waits for its socket to come back' });
      else ends.set(one, became.kind === 'full' ? endOfForwarding.full : endOfForwarding.gone);
    }
    await this.sendBack(back);
    if (parked.length > 0) {
      await this.enqueue(parked, { delayMs: parkedMs, round: 'settle' });
    }
    return deliveries.map((one) => ends.get(one) ?? { kind: 'expired', reason: 'its socket was not found' });
  }

  /**
   * Forwards deliveries like `forward`, for a caller that records no outcomes. Deliveries that end here are enqueued, so that a
   * socket node records their outcomes.
   */
  async forwardAll(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return;
    const outcomes = await this.forward(deliveries.map((delivery) => ({ delivery })));
    const ended = deliveries.flatMap((delivery, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined || outcome.kind === 'moved') return [];
      const step = outcome === endOfForwarding.full ? 'full' : 'gone';
      return [withoutPayload(delivery, step, delivery.attempt + 1)];
    });
    if (ended.length > 0) await this.enqueue(ended);
  }

  /** Sends deliveries to the sockets that are their targets. */
  async sendBack(deliveries: readonly Delivery[]): Promise<void> {
    for (const [pauseMs, some] of [
      [0, deliveries.filter(({ attempt }) => attempt <= 3)],
      [movePauseMs, deliveries.filter(({ attempt }) => attempt > 3)],
    ] as const) {
      if (some.length > 0) await this.enqueue(some, { delayMs: pauseMs });
    }
  }

  private enqueue(deliveries: readonly Delivery[], options: EnqueueOptions = {}): Promise<void> {
    return enqueueDeliveries(this.queues, groupedByRoute(deliveries, this.queues.keys), options);
  }
}

/** Returns the delivery whose job ends the parking. It needs no payload and no expiry, because the mailbox has the delivery. */
function settling(delivery: Delivery, attempt: number): Delivery {
  const settled = withoutPayload(delivery, 'settle', attempt);
  Reflect.deleteProperty(settled, 'expiresAt');
  return settled;
}

/** Returns a delivery to parked sockets for which only `step` remains to be done. */
function withoutPayload(delivery: Delivery, step: ParkedStep, attempt: number): Delivery {
  return { ...withTarget(delivery, { kind: 'parked', step }), payload: {}, attempt };
}

/** The one connection id that a delivery is for, or "". */
function connectionIdOf(delivery: Delivery): string {
  const target = socketTargetOf(delivery);
  return target.kind === 'socket' ? target.connection : '';
}
