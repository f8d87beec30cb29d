import { hash } from 'node:crypto';
import type { Erased } from '@pns/queue';
import { LuaScript, scanKeys, type KeySpace, type RedisClient } from '@pns/redis';
import type { Owner, UserKey } from '@pns/subscriptions';
import { flag, keysOf, keysOfContext, type Opening } from './socket-keys';
import type { SocketNodes } from './socket-nodes';
import { ruleArgument } from './socket-rules';

/** The sockets of a user that one node holds for one client. `parkedNode` of @pns/delivery stands for parked sockets. */
export interface SocketGroup {
  readonly node: string;
  readonly client: string;
  readonly connections: readonly string[];
  /** When the registry was read, by the clock of Redis, in ms since the epoch. */
  readonly lookedAt: number;
  /** For parked sockets: whether anonymous ones are excluded, because another socket of the client is live. */
  readonly namedOnly?: boolean;
}

/** How an attempt to open a socket ended. */
export type Opened =
  | {
      readonly kind: 'open';
      /** Whether the socket must collect its mailbox before it receives anything else. */
      readonly isBehind: boolean;
      /** The opening that the socket took over from. This opening still has to return its unconfirmed deliveries. */
      readonly takenFrom?: { readonly node: string; readonly opening: string };
      /** The previous node of the socket, if that node is dead. */
      readonly deadNode?: string;
    }
  /** Another session of the user has an open socket with this connection id. */
  | { readonly kind: 'duplicate' }
  /** The user has as many open sockets as allowed. */
  | { readonly kind: 'full' };

/** The result of a renewal for a socket that its node still holds. */
type Renewed =
  | 'renewed'
  /** Another opening has this connection id. */
  | 'taken'
  /** The socket counted as parked meanwhile, and must collect its mailbox. */
  | 'back'
  /** The socket missed something that is stored nowhere. */
  | 'gap';

const preludes = ['rules', 'entries'];
const scripts = {
  open: new LuaScript<string[]>({ folder: __dirname, name: 'open', numberOfKeys: 4, preludes }),
  renew: new LuaScript<[string, Renewed][]>({ folder: __dirname, name: 'renew', numberOfKeys: 4, preludes }),
  look: new LuaScript<unknown[]>({ folder: __dirname, name: 'look', preludes: ['rules'] }),
};

/** Stores which nodes hold a user's sockets, and which sockets are parked. The entries are in the user's shard. */
export class SocketRegistry {
  /** The dead nodes when the registry was last read. */
  private deadNodes: readonly string[] = [];

  /** `clock` replaces the time of Redis, for tests of the rules. */
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: KeySpace,
    private readonly nodes: Pick<SocketNodes, 'dead'>,
    private readonly clock: () => number | '' = () => '',
  ) {}

  /** Opens a socket at `node`, atomically across nodes. An opening of the same session takes over a connection id in use. */
  async open(socket: Opening, node: string, maxPerUser: number): Promise<Opened> {
    const { connection, opening, client, session, isAnonymous } = socket;
    const args = [connection, node, opening, client, digestOf(session), flag(isAnonymous), maxPerUser];
    const rules = ruleArgument(await this.nodes.dead());
    const [kind, isBehind, takenFrom = '', deadNode = ''] = await scripts.open.run(
      this.redis,
      ...keysOf(this.keys, socket),
      this.clock(),
      rules,
      ...args,
    );
    if (kind !== 'open') return { kind: kind as 'duplicate' | 'full' };
    const [from = '', of = ''] = takenFrom.split(' ');
    return {
      kind,
      isBehind: isBehind === '1',
      ...(from === '' ? {} : { takenFrom: { node: from, opening: of } }),
      ...(deadNode === '' ? {} : { deadNode }),
    };
  }

  /**
   * Notes that `node` still holds its open sockets; a node calls it every 20 s. Returns in order the result for each socket.
   * `wasDead`: other nodes considered the node dead.
   */
  async renew(sockets: readonly Opening[], node: string, wasDead = false): Promise<Renewed[]> {
    const perUser = new Map<string, Opening[]>();
    for (const socket of sockets) {
      const [key] = keysOf(this.keys, socket);
      perUser.set(key, [...(perUser.get(key) ?? []), socket]);
    }
    const rules = ruleArgument(await this.nodes.dead());
    const became = new Map<string, Renewed>();
    const calls = [...perUser.entries()].map(async ([key, held]) => {
      const args = held.flatMap(({ connection, opening, client, session, isAnonymous }) => [
        connection,
        opening,
        client,
        digestOf(session),
        flag(isAnonymous),
      ]);
      const user = held[0] as Opening;
      const answers = await scripts.renew.run(
        this.redis,
        ...keysOf(this.keys, user),
        this.clock(),
        rules,
        node,
        flag(wasDead),
        ...args,
      );
      for (const [connection, kind] of answers) became.set(`${key} ${connection}`, kind);
    });
    await Promise.all(calls);
    return sockets.map((socket) => became.get(`${keysOf(this.keys, socket)[0]} ${socket.connection}`) ?? 'renewed');
  }

  /** Returns for each user, in order, the nodes of the open and of the parked sockets, in one round trip. */
  async socketsOf(users: readonly UserKey[]): Promise<SocketGroup[][]> {
    if (users.length === 0) return [];
    // The list of dead nodes is in another key group than the entries and seldom changes, so both are read at the same time. If
    // the list has changed since the last read, the entries are read again.
    const known = this.deadNodes;
    const [dead, groups] = await Promise.all([this.nodes.dead(), this.look(users, known)]);
    if (dead.length === known.length && dead.every((node, index) => node === known[index])) return groups;
    this.deadNodes = dead;
    return this.look(users, dead);
  }

  /** Deletes the entries and mailboxes of the owner's sockets. The owner's open sockets must be closed before. */
  async erase({ context, user }: Owner): Promise<Erased> {
    if (user !== undefined) {
      return { found: await this.redis.unlink(...keysOf(this.keys, { context, user })), heldBy: [] };
    }
    const ofContext = keysOfContext(context);
    let found = 0;
    for await (const scanned of scanKeys(this.redis, this.keys, `:*:${context}:*`)) {
      const keys = scanned.filter((key) => ofContext.test(key));
      const removed = await Promise.all(keys.map((key) => this.redis.unlink(key)));
      found += removed.reduce((sum, count) => sum + count, 0);
    }
    return { found, heldBy: [] };
  }

  /** Runs one script for each shard, because shards of a cluster may be at different masters. All scripts are sent at once. */
  private async look(users: readonly UserKey[], dead: readonly string[]): Promise<SocketGroup[][]> {
    const perShard = new Map<number, number[]>();
    for (const [index, { context, user }] of users.entries()) {
      const shard = this.keys.shardOf(context, user);
      const indices = perShard.get(shard);
      if (indices === undefined) perShard.set(shard, [index]);
      else indices.push(index);
    }
    const rules = ruleArgument(dead);
    const all = users.map((): SocketGroup[] => []);
    const looks = [...perShard.values()].map(async (indices) => {
      const sockets = indices.map((index) => keysOf(this.keys, users[index] as UserKey)[0]);
      const found = await scripts.look.run(this.redis, sockets.length, ...sockets, this.clock(), rules);
      for (let at = 0; at < found.length; at += 3) {
        const index = indices[Number(found[at])];
        if (index !== undefined) all[index] = groupsIn(found[at + 2] as FoundGroup[], Number(found[at + 1]));
      }
    });
    await Promise.all(looks);
    return all;
  }
}

type FoundGroup = [node: string, client: string, namedOnly: string, ...connections: string[]];

function groupsIn(found: readonly FoundGroup[], lookedAt: number): SocketGroup[] {
  return found.map(([node, client, namedOnly, ...connections]) => {
    const group = { node, client, connections, lookedAt };
    return namedOnly === '1' ? { ...group, namedOnly: true } : group;
  });
}

/** Sessions are compared by their digests, so that Redis holds no id of a session. */
function digestOf(session: string): string {
  return hash('sha1', session, 'base64url');
}
