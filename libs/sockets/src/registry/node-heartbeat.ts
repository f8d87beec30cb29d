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

/** The interval, in ms, at which the node sends a heartbeat. The answer names the queues that the node must take over. */
const heartbeatMs = 1000;
/** How often the node renews the entries of its sockets, in ms. */
const renewMs = 20_000;
/** Maximum number of sockets renewed at once, because one long command would block Redis. */
const renewAtOnce = 500;

/** Sends the heartbeats of this node, renews the entries of its sockets and takes over the queues of dead nodes. */
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
      }, heartbeatMs),
      setInterval(this.renewNow, renewMs),
    );
    this.queues.redis.on('ready', this.renewNow); // Redis may have lost its data, or other nodes may consider this one dead
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.timers.forEach(clearInterval);
    this.queues.redis.off('ready', this.renewNow);
    await Promise.all([this.beating, this.renewing]);
    await this.deadNodes.close();
  }

  /** Declares this node dead after its workers were closed, so that another node takes over the jobs left in its queue. */
  async onApplicationShutdown(): Promise<void> {
    try {
      await this.nodes.retire(this.node.id);
    } catch (error) {
      log.warn({ event: 'node.retire-failed', node: this.node.id, err: error }); // other nodes soon detect that the heartbeats have stopped
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

  /**
   * Reverts the changes that other nodes made while they considered this node dead. Sockets are renewed before and after
   * `nodes.revive`, so that no change is missed.
   */
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
    const registered = this.admission.registered();
    const sockets = [...registered];
    for (let from = 0; from < sockets.length; from += renewAtOnce) {
      // A socket that closed while others were renewed must not be renewed.
      const some = sockets.slice(from, from + renewAtOnce).filter((socket) => registered.has(socket));
      const keys = some.map(({ key }) => key);
      const became = await this.registry.renew(keys, this.node.id, wasDead);
      for (const [index, socket] of some.entries()) {
        const kind = became[index];
        if (kind === 'taken') void this.takeOvers.closeTaken(socket.key);
        if (kind === 'back') void this.catchUp.run(socket);
        if (kind === 'gap') socket.local.sendMissed();
      }
    }
  }
}
