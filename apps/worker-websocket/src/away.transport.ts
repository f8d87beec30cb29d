import { Injectable } from '@nestjs/common';
import { handOver } from '@pns/delivery';
import { awayMs, awayNode, awayToken, Presence, readAwayToken, socketNodeGroup } from '@pns/presence';
import { Queues, socketNodeQueue } from '@pns/queue';
import { connectionOf, socketToken } from '@pns/transport-websocket';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';

/** A delivery that was sent on this often is given up, and its socket is told that it missed something. */
const maxMoves = 10;

/** A delivery that follows its socket waits this long before it goes on, in ms, unless it is its first move. */
const movePauseMs = 250;

/**
 * Where deliveries go whose socket is away, or is not where it was: on to the node that holds it by now, or into the
 * keeping of presence until it comes back or two minutes are over.
 */
@Injectable()
export class AwayTransport implements Transport {
  readonly name = 'websocket';

  constructor(
    private readonly queues: Queues,
    private readonly presence: Presence,
  ) {}

  /** Hands a delivery whose socket is not at this node to the queue of those that are away. */
  async handOn(delivery: Delivery, namedOnly = false): Promise<Outcome> {
    if (delivery.attempt >= maxMoves) {
      await this.presence.miss(delivery, connectionOf(delivery.token));
      return { kind: 'expired', reason: 'its socket was found nowhere' };
    }
    await this.moveAll([delivery], namedOnly);
    return { kind: 'moved', reason: 'its socket is not at this node' };
  }

  /** As `handOn`, for all that a node left behind. */
  async moveAll(deliveries: readonly Delivery[], namedOnly = false): Promise<void> {
    const moved = deliveries.map((delivery) => {
      const attempt = delivery.attempt + 1;
      return { ...delivery, attempt, token: awayToken(attempt, namedOnly) };
    });
    await this.send(awayNode, moved);
  }

  async deliver(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const { attempt, namedOnly } = readAwayToken(delivery.token);
    if (delivery.attempt > attempt) return this.settle(delivery); // a later attempt than the first is the end of waiting
    const { waiting, back } = await this.presence.park(delivery, namedOnly);
    await Promise.all(
      back.map(({ node, connection }) =>
        this.send(node, [{ ...delivery, token: socketToken(node, connection), attempt: delivery.attempt + 1 }]),
      ),
    );
    if (back.length > 0) return { kind: 'moved', reason: 'its socket came back already' };
    if (waiting === 'parked') {
      return { kind: 'retry', reason: 'waits for its socket to come back', afterMs: awayMs, isWaiting: true };
    }
    const reason = waiting === 'full' ? 'too much waits for its socket already' : 'its socket is gone';
    return { kind: 'expired', reason };
  }

  private async settle(delivery: Delivery): Promise<Outcome> {
    if (await this.presence.settle(delivery)) return { kind: 'moved', reason: 'its socket came back' };
    return { kind: 'expired', reason: 'its socket did not come back' };
  }

  private async send(node: string, deliveries: readonly Delivery[]): Promise<void> {
    const pauseMs = deliveries.some(({ attempt }) => attempt > 3) ? movePauseMs : 0;
    const queue = { group: socketNodeGroup(this.queues.keys), name: socketNodeQueue(node), endpoint: node };
    await handOver(this.queues, [{ ...queue, deliveries }], { delayMs: pauseMs });
  }
}
