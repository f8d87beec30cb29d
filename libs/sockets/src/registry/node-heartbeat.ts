import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Presence } from './socket-registry';
import { SocketNodes } from './socket-nodes';
import { Queues } from '@pns/queue';
import { log, RecurringFault } from '@pns/runtime';
import { CatchUp } from '../mailbox/catch-up';
import { NodeId } from './node-id';
import { Orphanage } from '../mailbox/dead-node-take-over';
import { Reception } from '../admission/socket-admission';
import { TakeOvers } from '../mailbox/connection-take-over';

/** How often the node says that it is alive, and looks for nodes that are not, in ms. */
const beatMs = 1000;
/** How often it says which sockets it holds, in ms. */
const keepMs = 20_000;
/** Sockets told of at once, so that Redis is not held up by one long command. */
const keepAtOnce = 500;

/** Tells the other nodes that this one lives and which sockets it holds, and looks after what dead ones left. */
@Injectable()
export class NodeKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly timers: NodeJS.Timeout[] = [];
  private beating: Promise<void> | undefined;
  private keeping: Promise<void> | undefined;
  private readonly beatFault: RecurringFault;
  private readonly keepFault: RecurringFault;
  private readonly keepNow = (): void => void this.keep();

  constructor(
    private readonly node: NodeId,
    private readonly nodes: SocketNodes,
    private readonly presence: Presence,
    private readonly reception: Reception,
    private readonly orphanage: Orphanage,
    private readonly catchUp: CatchUp,
    private readonly takeOvers: TakeOvers,
    private readonly queues: Queues,
  ) {
    this.beatFault = new RecurringFault('node.beat-failed', 'node.beat-recovered', { node: node.id });
    this.keepFault = new RecurringFault('node.keep-failed', 'node.keep-recovered', { node: node.id });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.beat();
    this.timers.push(
      setInterval(() => {
        this.beating ??= this.beat().finally(() => (this.beating = undefined));
      }, beatMs),
      setInterval(this.keepNow, keepMs),
    );
    this.queues.redis.on('ready', this.keepNow); // it may have lost everything, or have given us up
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.timers.forEach(clearInterval);
    this.queues.redis.off('ready', this.keepNow);
    await Promise.all([this.beating, this.keeping]);
    await this.orphanage.close();
  }

  /** The workers are closed by now: what is left in this node's queue is for another one. */
  async onApplicationShutdown(): Promise<void> {
    try {
      await this.nodes.retire(this.node.id);
    } catch (error) {
      log.warn({ event: 'node.retire-failed', node: this.node.id, err: error }); // others soon see that it is silent
    }
  }

  private async beat(): Promise<void> {
    try {
      const { isTakenForDead, adopted } = await this.nodes.beat(this.node.id);
      if (isTakenForDead) await this.revive();
      await this.orphanage.adopt(adopted);
      this.beatFault.isOver();
    } catch (error) {
      this.beatFault.occurred(error);
    }
  }

  /** What others did while they took the node for dead is taken back: before and after, so that nothing falls between. */
  private async revive(): Promise<void> {
    log.warn({ event: 'node.revived', node: this.node.id });
    await this.keepAll(true);
    await this.nodes.revive(this.node.id);
    await this.keepAll(true);
  }

  private keep(): Promise<void> {
    this.keeping ??= this.keepAll(false)
      .then(
        () => this.keepFault.isOver(),
        (error: unknown) => this.keepFault.occurred(error),
      )
      .finally(() => (this.keeping = undefined));
    return this.keeping;
  }

  private async keepAll(wasDead: boolean): Promise<void> {
    const inside = this.reception.inside();
    const sockets = [...inside];
    for (let from = 0; from < sockets.length; from += keepAtOnce) {
      // A socket that left while others were kept must not come back to life.
      const some = sockets.slice(from, from + keepAtOnce).filter((socket) => inside.has(socket));
      const keys = some.map(({ key }) => key);
      const became = await this.presence.keep(keys, this.node.id, wasDead);
      for (const [index, socket] of some.entries()) {
        const kept = became[index];
        if (kept === 'taken') void this.takeOvers.heed(socket.key);
        if (kept === 'back') void this.catchUp.run(socket);
        if (kept === 'gap') socket.local.tellMissed();
      }
    }
  }
}
