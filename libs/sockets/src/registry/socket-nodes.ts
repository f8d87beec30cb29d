import { socketNodeGroup } from '@pns/queue';
import { LuaScript, type KeySpace, type RedisClient } from '@pns/redis';

/** Durations in ms. */
interface NodeTimes {
  readonly deadAfter: number;
  readonly takeOverLapses: number;
  readonly deadForgotten: number;
}

/**
 * A node sends a heartbeat every second and is dead after five seconds without one. This is longer than a pause of the garbage
 * collector and shorter than clients need to come back. Dead nodes are known for longer than the entries of their sockets.
 */
const nodeTimes: NodeTimes = { deadAfter: 5000, takeOverLapses: 5000, deadForgotten: 300_000 };

/** The answer to a heartbeat. */
interface Heartbeat {
  /**
   * Whether other nodes considered this node dead and its sockets parked. If so, the node must renew its sockets, call
   * `revive`, and renew its sockets again.
   */
  readonly isTakenForDead: boolean;
  /** Dead nodes whose queues this node must empty, until its next heartbeat. */
  readonly takenOver: readonly string[];
}

const scripts = {
  heartbeat: new LuaScript<unknown[]>({ folder: __dirname, name: 'heartbeat', numberOfKeys: 3 }),
  retire: new LuaScript({ folder: __dirname, name: 'retire', numberOfKeys: 2 }),
};

/** Stores which processes hold sockets, which of them died, and which node empties the queue of a dead node. */
export class SocketNodes {
  private readonly keys: readonly [nodes: string, dead: string, adopters: string];

  /** `clock` replaces the time of Redis, for tests of the rules. */
  constructor(
    private readonly redis: RedisClient,
    keys: KeySpace,
    private readonly clock: () => number | '' = () => '',
    private readonly times = nodeTimes,
  ) {
    const group = socketNodeGroup(keys);
    this.keys = [`${group}:nodes`, `${group}:dead`, `${group}:adopters`];
  }

  /** Notes that `node` is alive. A node calls it every second. */
  async heartbeat(node: string): Promise<Heartbeat> {
    const { deadAfter, takeOverLapses, deadForgotten } = this.times;
    const args = [this.clock(), node, deadAfter, takeOverLapses, deadForgotten];
    const [isTakenForDead, ...takenOver] = await scripts.heartbeat.run(this.redis, ...this.keys, ...args);
    return { isTakenForDead: isTakenForDead === '1', takenOver: takenOver.map(String) };
  }

  /** The nodes that are known to be dead. An unknown node counts as alive, because it may have started just now. */
  dead(): Promise<string[]> {
    return this.redis.zrange(this.keys[1], 0, -1);
  }

  /** The nodes whose queues may hold jobs: the living nodes, and the dead nodes until their queues are empty. */
  async withQueues(): Promise<string[]> {
    const [living, dead, takeOvers] = await Promise.all([
      this.redis.zrange(this.keys[0], 0, -1),
      this.dead(),
      this.redis.hgetall(this.keys[2]),
    ]);
    return [...new Set([...living, ...dead])].filter((node) => takeOvers[node] !== 'done');
  }

  /** Notes that `node` is not dead, and ends the take-over of its queue. */
  async revive(node: string): Promise<void> {
    await this.redis.multi().zrem(this.keys[1], node).hdel(this.keys[2], node).exec();
  }

  /** Notes that the queue of a dead node is empty and stays empty. */
  async emptied(node: string): Promise<void> {
    await this.redis.hset(this.keys[2], node, 'done');
  }

  /** Declares `node` dead when it stops, so that another node takes its queue over at once. */
  async retire(node: string): Promise<void> {
    await scripts.retire.run(this.redis, this.keys[0], this.keys[1], this.clock(), node);
  }
}
