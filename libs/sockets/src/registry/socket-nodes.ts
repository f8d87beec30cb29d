import { socketNodeGroup, type KeySpace, type RedisClient } from '@pns/queue';
import { script } from './scripts';

/** Durations in ms. */
export interface NodeTimes {
  readonly deadAfter: number;
  readonly takeOverLapses: number;
  readonly deadForgotten: number;
}

/**
 * A node that beats every second is dead after five without a beat: long enough for a pause of garbage collection, short
 * enough for sockets that come back meanwhile. The dead are remembered for longer than their sockets' entries live.
 */
const nodeTimes: NodeTimes = { deadAfter: 5000, takeOverLapses: 5000, deadForgotten: 300_000 };

/** What a beat told. */
export interface Beat {
  /** Others took this node for dead, and its sockets for away: it is to keep them as such, `revive`, and keep them again. */
  readonly isTakenForDead: boolean;
  /** Dead nodes whose queues are this node's to empty, until its next beat. */
  readonly takenOver: readonly string[];
}

/** Which processes hold sockets, which of them died, and who looks after what those left. */
export class SocketNodes {
  private readonly keys: readonly [string, string, string];
  private readonly beatScript: ReturnType<typeof script>;

  /** `clock` replaces Redis' time, for tests of the rules. */
  constructor(
    private readonly redis: RedisClient,
    keys: KeySpace,
    private readonly clock: () => number | '' = () => '',
    private readonly times = nodeTimes,
  ) {
    const group = socketNodeGroup(keys);
    this.keys = [`${group}:nodes`, `${group}:dead`, `${group}:adopters`];
    this.beatScript = script(redis, 'registry/beat', 3);
  }

  /** Says that `node` is alive; to be repeated every second. */
  async beat(node: string): Promise<Beat> {
    const { deadAfter, takeOverLapses, deadForgotten } = this.times;
    const args = [this.clock(), node, deadAfter, takeOverLapses, deadForgotten];
    const [isTakenForDead, ...takenOver] = await this.beatScript(...this.keys, ...args);
    return { isTakenForDead: isTakenForDead === '1', takenOver: takenOver.map(String) };
  }

  /** The nodes that are known to be dead. A node that nobody knows is alive: it may have begun this moment. */
  dead(): Promise<string[]> {
    return this.redis.zrange(this.keys[1], 0, -1);
  }

  /** The nodes whose queues there may be something in: the living, and the dead until their queues are empty. */
  async withQueues(): Promise<string[]> {
    const [living, dead, adoptions] = await Promise.all([
      this.redis.zrange(this.keys[0], 0, -1),
      this.dead(),
      this.redis.hgetall(this.keys[2]),
    ]);
    return [...new Set([...living, ...dead])].filter((node) => adoptions[node] !== 'done');
  }

  /** Takes `node` off the list of the dead, and its queue away from who takenOver it. */
  async revive(node: string): Promise<void> {
    await this.redis.multi().zrem(this.keys[1], node).hdel(this.keys[2], node).exec();
  }

  /** Notes that the queue of a dead node is empty and will stay so. */
  async emptied(node: string): Promise<void> {
    await this.redis.hset(this.keys[2], node, 'done');
  }

  /** Declares `node` dead at its own wish, so that nobody waits to see it silent. */
  async retire(node: string): Promise<void> {
    const now = this.clock() || Date.now();
    await this.redis.multi().zrem(this.keys[0], node).zadd(this.keys[1], now, node).exec();
  }
}
