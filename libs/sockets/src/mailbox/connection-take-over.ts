import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { nodeQueue } from '@pns/delivery';
import { Queues } from '@pns/queue';
import { publish, subscriberOf, type Subscriber } from '@pns/redis';
import type { Opening } from '../registry/socket-keys';
import { log } from '@pns/runtime';
import { NodeId } from '../registry/node-id';
import { SocketAdmission, type TakenFrom } from '../admission/socket-admission';

/** An opening that another one of the same session took over. */
type Taken = Pick<Opening, 'context' | 'user' | 'connection' | 'opening'>;

/** Deliveries in progress to a socket that is taken over must arrive within this time, in ms. */
const arriveWithinMs = 500;
const lookAgainMs = 10;

/**
 * Informs a socket's node that another opening of the same session has the socket's connection id. The node then closes the
 * socket and returns the unconfirmed deliveries. A lost message costs only time: the node gets the same information when it
 * renews its sockets.
 */
@Injectable()
export class ConnectionTakeOver implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private subscriber: Subscriber | undefined;

  constructor(
    private readonly node: NodeId,
    private readonly queues: Queues,
    private readonly admission: SocketAdmission,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const subscriber = subscriberOf(this.queues.redis, this.channelOf(this.node.id));
    this.subscriber = subscriber;
    subscriber.on('message', (_channel, text: string) => void this.closeTaken(JSON.parse(text) as Taken));
    await subscriber.listen();
    subscriber.on('ready', () => void subscriber.listen().catch(() => undefined));
  }

  beforeApplicationShutdown(): void {
    this.subscriber?.disconnect();
  }

  /** Informs the node of the previous opening that a new opening has taken over. */
  async announce({ context, user, connection }: Opening, { node, opening }: TakenFrom): Promise<void> {
    const taken: Taken = { context, user, connection, opening };
    if (node === this.node.id) return this.closeTaken(taken);
    try {
      await publish(this.queues.redis, this.channelOf(node), JSON.stringify(taken));
    } catch (error) {
      log.warn({ event: 'socket.take-over-not-announced', node, err: error });
    }
  }

  /** Closes a socket that another opening took over, after the deliveries on their way to it have arrived, to keep the order. */
  async closeTaken(taken: Taken): Promise<void> {
    const socket = this.admission.find(taken);
    if (socket === undefined) return;
    socket.takeOver();
    await this.untilDelivered();
    this.admission.leave(socket, 'taken over');
    socket.disconnect();
  }

  private async untilDelivered(): Promise<void> {
    const { group, name } = nodeQueue(this.queues.keys, this.node.id);
    const queue = this.queues.queue(group, name);
    const pending = async (): Promise<string[]> => (await queue.getJobs(['wait', 'active'])).map(({ id }) => id ?? '');
    const giveUpAt = performance.now() + arriveWithinMs;
    try {
      const before = new Set(await pending());
      while (before.size > 0 && performance.now() < giveUpAt) {
        await pause(lookAgainMs);
        const left = new Set(await pending());
        for (const id of before) if (!left.has(id)) before.delete(id);
      }
    } catch {
      // Redis is unavailable. Deliveries that arrive later are forwarded to the new opening.
    }
  }

  private channelOf(node: string): string {
    return this.queues.keys.global(`websocket:taken-over:${node}`);
  }
}
