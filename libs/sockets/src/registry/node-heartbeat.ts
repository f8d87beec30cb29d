import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { SocketRegistry } from './socket-registry';
import { SocketNodes } from './socket-nodes';
import { Queues } from '@pns/queue';
import { log, RecurringFault } from '@pns/runtime';
import { CatchUp } from '../mailbox/catch-up';
import { NodeId } from './node-id';
import { DeadNodeTakeOver } from '../mailbox/dead-node-take-over';
import { SocketAdmission } from '../admission/socket-admission';
import { ConnectionTakeOver } from '../mailbox/connection-take-over';

/** How often the node says that it is alive, and looks for nodes that are not, in ms. */
const beatMs = 1000;
/** How often it says which sockets it holds, in ms. */
const renewMs = 20_000;
/** Sockets told of at once, so that Redis is not held up by one long command. */
const renewAtOnce = 500;

/** Tells the other nodes that this one lives and which sockets it holds, and looks after what dead ones left. */
@Injectable()
export class NodeHeartbeat implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly timers: NodeJS.Timeout[] = [];
  private beating: Promise<void> | undefined;
  private renewing: Promise<void> | undefined;
  private readonly beatFault: RecurringFault;
  private readonly renewFault: RecurringFault;
  private readonly renewNow = (): void => void this.renew();

  constructor(
    private readonly node: NodeId,
    private readonly nodes: SocketNodes,
    private readonly registry: SocketRegistry,
    private readonly admission: SocketAdmission,
    private readonly deadNodes: DeadNodeTakeOver,
    private readonly catchUp: CatchUp,
    private readonly takeOvers: ConnectionTakeOver,
    private readonly queues: Queues,
  ) {
    this.beatFault = new RecurringFault('node.beat-failed', 'node.beat-recovered', { node: node.id });
    this.renewFault = new RecurringFault('node.renew-failed', 'node.renew-recovered', { node: node.id });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.beat();
    this.timers.push(
      setInterval(() => {
        this.beating ??= this.beat().finally(() => (this.beating = undefined));
      }, beatMs),
      setInterval(this.renewNow, renewMs),
    );
    this.queues.redis.on('ready', this.renewNow); // it may have lost everything, or have given us up
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.timers.forEach(clearInterval);
    this.queues.redis.off('ready', this.renewNow);
    await Promise.all([this.beating, this.renewing]);
    await this.deadNodes.close();
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
      const { isTakenForDead, takenOver } = await this.nodes.heartbeat(this.node.id);
      if (isTakenForDead) await this.revive();
      await this.deadNodes.takeOver(takenOver);
      this.beatFault.isOver();
    } catch (error) {
      this.beatFault.occurred(error);
    }
  }

  /** What others did while they took the node for dead is taken back: before and after, so that nothing falls between. */
  private async revive(): Promise<void> {
    log.warn({ event: 'node.revived', node: this.node.id });
    await this.renewAll(true);
    await this.nodes.revive(this.node.id);
    await this.renewAll(true);
  }

  private renew(): Promise<void> {
    this.renewing ??= this.renewAll(false)
      .then(
        () => this.renewFault.isOver(),
        (error: unknown) => this.renewFault.occurred(error),
      )
      .finally(() => (this.renewing = undefined));
    return this.renewing;
  }

  private async renewAll(wasDead: boolean): Promise<void> {
    const inside = this.admission.registered();
    const sockets = [...inside];
    for (let from = 0; from < sockets.length; from += renewAtOnce) {
      // A socket that left while others were kept must not come back to life.
      const some = sockets.slice(from, from + renewAtOnce).filter((socket) => inside.has(socket));
      const keys = some.map(({ key }) => key);
      const became = await this.registry.renew(keys, this.node.id, wasDead);
      for (const [index, socket] of some.entries()) {
        const kept = became[index];
        if (kept === 'taken') void this.takeOvers.closeTaken(socket.key);
        if (kept === 'back') void this.catchUp.run(socket);
        if (kept === 'gap') socket.local.sendMissed();
      }
    }
  }
}
