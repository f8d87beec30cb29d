import { Injectable } from '@nestjs/common';
import { Checkpoint, nodeQueue, type QueueRef } from '@pns/delivery';
import { SocketNodes } from '../registry/socket-nodes';
import { assertDeliveryJob, Queues, type DeliveryJob } from '@pns/queue';
import { log } from '@pns/runtime';
import type { Job, Worker } from 'bullmq';
import { SocketForwarding } from './socket-forwarding';

/** The queue of a dead node is watched for this time, in ms, because a dispatcher may add jobs for a moment after the death. */
const watchMs = 60_000;

interface TakenQueue {
  readonly worker: Worker<DeliveryJob>;
  readonly takenAt: number;
}

/** Empties the queues of dead nodes: each delivery is forwarded to the node of its socket, or parked. */
@Injectable()
export class DeadNodeTakeOver {
  private readonly taken = new Map<string, TakenQueue>();

  constructor(
    private readonly queues: Queues,
    private readonly nodes: SocketNodes,
    private readonly forwarding: SocketForwarding,
  ) {}

  /** Starts to empty the queues of `nodes`, and stops emptying all other queues. Called after each heartbeat. */
  async takeOver(nodes: readonly string[]): Promise<void> {
    for (const node of nodes) if (!this.taken.has(node)) this.take(node);
    for (const [node, { takenAt }] of [...this.taken]) {
      if (!nodes.includes(node)) await this.release(node);
      else if (Date.now() - takenAt > watchMs && (await this.isEmpty(node))) await this.remove(node);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.taken.keys()].map((node) => this.release(node)));
  }

  private take(node: string): void {
    log.info({ event: 'node.taken-over', node });
    const work = (job: Job<DeliveryJob>) => this.empty(job);
    const { group, name } = this.queueOf(node);
    const worker = this.queues.worker(group, name, work, { readership: 'inherited' });
    this.taken.set(node, { worker, takenAt: Date.now() });
  }

  private async empty(job: Job<DeliveryJob>): Promise<void> {
    assertDeliveryJob(job.data);
    const arrived = new Checkpoint(job, this.queues.redis);
    await arrived.learn(); // a node that is alive, but counts as dead, stores which deliveries it has sent
    const left = job.data.deliveries.filter(({ id }) => !arrived.has(id));
    await this.forwarding.forwardAll(left);
  }

  private async release(node: string): Promise<void> {
    await this.taken.get(node)?.worker.close();
    this.taken.delete(node);
  }

  private async isEmpty(node: string): Promise<boolean> {
    const { group, name } = this.queueOf(node);
    const counts = await this.queues.queue(group, name).getJobCounts();
    return Object.values(counts).every((count) => count === 0);
  }

  private async remove(node: string): Promise<void> {
    await this.release(node);
    const { group, name } = this.queueOf(node);
    await this.queues.queue(group, name).obliterate();
    await this.queues.forget(group, name);
    await this.nodes.emptied(node);
  }

  private queueOf(node: string): QueueRef {
    return nodeQueue(this.queues.keys, node);
  }
}
