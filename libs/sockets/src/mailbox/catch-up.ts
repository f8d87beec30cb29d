import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { nodeQueue } from '@pns/delivery';
import { OutcomeRecorder, type Attempt } from '@pns/outcomes';
import { Queues } from '@pns/queue';
import { Mailboxes, type Collected, type Missed } from './mailboxes';
import { log } from '@pns/runtime';
import type { Delivery, Outcome } from '@pns/transport-contract';
import { NodeId } from '../registry/node-id';
import type { OpenSocket } from '../admission/open-socket';
import { SocketAdmission } from '../admission/socket-admission';

/** The node of a socket that was taken over has this long to return its unconfirmed deliveries, in ms. */
const returnWithinMs = 2000;

/** Deliveries in the queue of a dead node have this long to follow its sockets, in ms. A death is detected after 5 s. */
const followWithinMs = 15_000;
/** How often the queue of a dead node is read, in ms. */
const followLookMs = 100;

/** The pause, in ms, before an incomplete mailbox is read again, and the pause after Redis or Postgres did not answer. */
const [lookAgainMs, retryMs] = [50, 500];

/** Sends sockets the deliveries of their mailbox before all other deliveries. */
@Injectable()
export class CatchUp {
  private readonly running = new Set<OpenSocket>();
  /** Sockets for which `run` was called again while it was running: their mailboxes may have been filled since. */
  private readonly again = new Set<OpenSocket>();
  /** Whether the queue of a node is empty, by node. Many sockets come back from a node at once, and share one read. */
  private readonly looks = new Map<string, Promise<boolean>>();

  constructor(
    private readonly node: NodeId,
    private readonly mailboxes: Mailboxes,
    private readonly cascade: ConfigCascade,
    private readonly outcomes: OutcomeRecorder,
    private readonly admission: SocketAdmission,
    private readonly queues: Queues,
  ) {}

  /**
   * Sends a socket the deliveries in its mailbox, if its client has sent CONNECT. Resolves after that, or when the socket closed.
   * If another call for the socket is running, that call reads the mailbox once more instead.
   */
  async run(socket: OpenSocket): Promise<void> {
    socket.local.isBehind = true;
    if (!socket.local.isAttached) return;
    this.again.add(socket);
    if (this.running.has(socket)) return;
    this.running.add(socket);
    try {
      while (this.again.delete(socket)) {
        socket.local.isBehind = true;
        await this.sendMailbox(socket);
      }
    } finally {
      this.running.delete(socket);
      this.again.delete(socket);
    }
  }

  private async sendMailbox(socket: OpenSocket): Promise<void> {
    const giveUpAt = performance.now() + (socket.isTakeOver ? returnWithinMs : 0);
    while (this.isHere(socket)) {
      // Properties decide which deliveries the user may receive, so the mailbox is not collected before they are loaded.
      if (!(await this.admission.knowsProperties(socket))) {
        await pause(retryMs);
        continue;
      }
      const isLastTry = performance.now() >= giveUpAt && (await this.hasFollowed(socket, giveUpAt + followWithinMs));
      if (!isLastTry && !socket.isTakeOver) {
        await pause(lookAgainMs);
        continue;
      }
      const collected = await this.collect(socket, isLastTry);
      if (collected?.kind === 'collected') return await this.send(socket, collected.missed);
      if (collected?.kind === 'taken') return;
      await pause(collected === undefined ? retryMs : lookAgainMs);
    }
  }

  /** Whether the previous node's queue is empty, or the wait is over. A newer delivery could overtake deliveries in the queue. */
  private async hasFollowed({ nodeBefore }: OpenSocket, giveUpAt: number): Promise<boolean> {
    if (nodeBefore === undefined || performance.now() >= giveUpAt) return true;
    let look = this.looks.get(nodeBefore);
    if (look === undefined) {
      look = this.isEmpty(nodeBefore);
      this.looks.set(nodeBefore, look);
      setTimeout(() => this.looks.delete(nodeBefore), followLookMs).unref();
    }
    return look;
  }

  private async isEmpty(node: string): Promise<boolean> {
    const { group, name } = nodeQueue(this.queues.keys, node);
    const queue = this.queues.queue(group, name);
    const count = await queue.getJobCountByTypes('wait', 'active').catch(() => undefined);
    return count === 0;
  }

  private isHere(socket: OpenSocket): boolean {
    return this.admission.registered().has(socket);
  }

  private async collect({ key }: OpenSocket, isLastTry: boolean): Promise<Collected | undefined> {
    try {
      return await this.mailboxes.collect(key, this.node.id, isLastTry);
    } catch (error) {
      log.warn({ event: 'mailbox.not-collected', context: key.context, user: key.user, err: error });
      return undefined;
    }
  }

  private async send(socket: OpenSocket, missed: Missed): Promise<void> {
    if (!this.isHere(socket)) return this.admission.returnToMailbox(socket, missed);
    const startedAt = Date.now();
    const attempts = missed.deliveries.map((delivery): Attempt => {
      const outcome = this.outcomeOf(delivery);
      return { delivery: { ...delivery, attempt: delivery.attempt + 1 }, outcome, startedAt, durationMs: 0 };
    });
    const deliveries = attempts.filter(({ outcome }) => outcome.kind === 'delivered').map(({ delivery }) => delivery);
    await socket.local.catchUp({ deliveries, hasGap: missed.hasGap });
    // If the socket closed meanwhile, its deliveries may be in the mailbox again, so their outcomes are not recorded.
    const returned = new Set(this.isHere(socket) ? [] : deliveries.map(({ id }) => id));
    await this.record(attempts.filter(({ delivery }) => !returned.has(delivery.id)));
  }

  private outcomeOf(delivery: Delivery): Outcome {
    if (delivery.expiresAt !== undefined && delivery.expiresAt <= Date.now()) {
      return { kind: 'expired', reason: 'its time to live ended before its socket came back' };
    }
    if (this.cascade.isEnabled('websocket', delivery)) return { kind: 'delivered' };
    return { kind: 'suppressed', reason: 'the transport is off for this user, client and topic' };
  }

  private async record(attempts: readonly Attempt[]): Promise<void> {
    try {
      await this.outcomes.record(attempts);
    } catch (error) {
      log.warn({ event: 'mailbox.not-recorded', deliveries: attempts.length, err: error });
    }
  }
}
