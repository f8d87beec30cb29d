import { hash } from 'node:crypto';
import { scanKeys, type Erased, type KeySpace, type RedisClient } from '@pns/queue';
import type { Owner } from '@pns/subscriptions';
import { parkedMs } from './socket-times';
import { parkedNode } from '@pns/delivery';
import type { SocketNodes } from './socket-nodes';
import { script } from './scripts';
import { flag, keysOf, keysOfContext, type Opening, type UserKey } from './socket-keys';

/** Open sockets of a user that one node holds for one client; the node `away` holds those that may come back. */
export interface SocketGroup {
  readonly node: string;
  readonly client: string;
  readonly connections: string[];
  /** When this was so, by Redis' clock, in ms since the epoch. */
  readonly lookedAt: number;
  /** Of those that are away: whether only sockets with an id of their own are waited for. */
  readonly namedOnly?: boolean;
}

/** How an attempt to open a socket ended. */
export type Opened =
  | {
      readonly kind: 'open';
      /** Whether it has to collect its mailbox before it gets anything else. */
      readonly isBehind: boolean;
      /** The opening that it took over from, which still has to return what its client did not confirm. */
      readonly takenFrom?: { readonly node: string; readonly opening: string };
    }
  /** Another session of the user has an open socket with this connection id. */
  | { readonly kind: 'duplicate' }
  /** The user has as many open sockets as allowed. */
  | { readonly kind: 'full' };

/** What became of a socket that its node still holds. */
export type Renewed =
  | 'kept'
  /** Another opening has this connection id. */
  | 'taken'
  /** It was taken for away meanwhile, and has to collect its mailbox. */
  | 'back'
  /** It missed something that nobody keeps. */
  | 'gap';

/** Sockets not heard of for this long are taken for away, in ms: their node has no connection to Redis. As in entries.lua. */
const liveMs = 60_000;

/** What Redis keeps of a socket; entries.lua says what the letters mean. */
interface Entry {
  readonly n: string;
  readonly c: string;
  readonly o: number;
  readonly s: number;
  readonly w?: number;
  readonly x?: number;
  readonly z?: number;
  readonly a?: number;
}

/** Which nodes hold a user's sockets, and which sockets may come back. Renewed in the user's shard. */
export class SocketRegistry {
  private readonly scripts: Readonly<Record<'open' | 'renew' | 'look', ReturnType<typeof script>>>;

  /** `clock` replaces Redis' time, for tests of the rules. */
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: KeySpace,
    private readonly nodes: Pick<SocketNodes, 'dead'>,
    private readonly clock: () => number | '' = () => '',
  ) {
    this.scripts = {
      open: script(redis, 'registry/open', 4, 'registry/entries'),
      renew: script(redis, 'registry/renew', 4, 'registry/entries'),
      look: script(redis, 'registry/look'),
    };
  }

  /** Opens a socket at `node`, atomically across nodes. The same session takes over an id that is in use. */
  async open(socket: Opening, node: string, maxPerUser: number): Promise<Opened> {
    const { connection, opening, client, session, isAnonymous } = socket;
    const args = [connection, node, opening, client, digestOf(session), flag(isAnonymous), maxPerUser];
    const [kind, isBehind, takenFrom] = (await this.scripts.open(
      ...keysOf(this.keys, socket),
      this.clock(),
      await this.deadNodes(),
      ...args,
    )) as string[];
    if (kind !== 'open') return { kind: kind as 'duplicate' | 'full' };
    const [from = '', of = ''] = (takenFrom ?? '').split(' ');
    return { kind, isBehind: isBehind === '1', ...(from === '' ? {} : { takenFrom: { node: from, opening: of } }) };
  }

  /**
   * Says of the open sockets of `node` that they are still there; repeated every 20 s. Answers in order what became of each.
   * `wasDead` says that others took the node for dead.
   */
  async renew(sockets: readonly Opening[], node: string, wasDead = false): Promise<Renewed[]> {
    const perUser = new Map<string, Opening[]>();
    for (const socket of sockets) {
      const [key] = keysOf(this.keys, socket);
      perUser.set(key, [...(perUser.get(key) ?? []), socket]);
    }
    const dead = await this.deadNodes();
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
      const answers = await this.scripts.renew(
        ...keysOf(this.keys, user),
        this.clock(),
        dead,
        node,
        flag(wasDead),
        ...args,
      );
      for (const [connection, kind] of answers as [string, Renewed][]) became.set(`${key} ${connection}`, kind);
    });
    await Promise.all(calls);
    return sockets.map((socket) => became.get(`${keysOf(this.keys, socket)[0]} ${socket.connection}`) ?? 'kept');
  }

  /** For each user, in order: who holds the open sockets and those that may come back. One round trip for all. */
  async socketsOf(users: readonly UserKey[]): Promise<SocketGroup[][]> {
    if (users.length === 0) return [];
    const [dead, all] = await Promise.all([this.nodes.dead(), this.entriesOf(users)]);
    const deadNodes = new Set(dead);
    return all.map(({ now, entries }) => (entries.length === 0 ? [] : grouped(entries, deadNodes, now)));
  }

  /** Erases what is known of the owner's sockets, and what waits for them. Sockets that are open are closed before. */
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

  /** A script for each shard, because those of a cluster may be at different masters; all are on their way at once. */
  private async entriesOf(users: readonly UserKey[]): Promise<readonly { now: number; entries: readonly string[] }[]> {
    const perShard = new Map<number, number[]>();
    for (const [index, { context, user }] of users.entries()) {
      const shard = this.keys.shardOf(context, user);
      const indices = perShard.get(shard);
      if (indices === undefined) perShard.set(shard, [index]);
      else indices.push(index);
    }
    const all = users.map(() => ({ now: 0, entries: [] as readonly string[] }));
    const looks = [...perShard.values()].map(async (indices) => {
      const sockets = indices.map((index) => keysOf(this.keys, users[index] as UserKey)[0]);
      const [now, ...found] = await this.scripts.look(sockets.length, ...sockets, this.clock());
      for (let at = 0; at < found.length; at += 2) {
        const index = indices[Number(found[at])];
        if (index !== undefined) all[index] = { now: Number(now), entries: found[at + 1] as readonly string[] };
      }
    });
    await Promise.all(looks);
    return all;
  }

  private async deadNodes(): Promise<string> {
    return JSON.stringify(await this.nodes.dead());
  }
}

/** A session is compared by its digest, so that nobody can read a session's id out of Redis. */
function digestOf(session: string): string {
  return hash('sha1', session, 'base64url');
}

/** `flat`: connection id and JSON in turn. */
function grouped(flat: readonly string[], dead: ReadonlySet<string>, now: number): SocketGroup[] {
  const entries: [string, Entry][] = [];
  for (let at = 0; at < flat.length; at += 2) entries.push([flat[at] ?? '', JSON.parse(flat[at + 1] ?? '{}') as Entry]);
  // After all that it has seen, and before all that follows: see entries.lua.
  const lookedAt = Math.max(now, ...entries.map(([, { o, z = 0 }]) => Math.max(o, z)));
  const groups = new Map<string, SocketGroup>();
  const nameless: Omit<SocketGroup, 'connections'>[] = [];
  const connectionsOf = new Map<object, string>();
  for (const [connection, entry] of entries) {
    const isLive = entry.x === undefined && !dead.has(entry.n) && now - entry.s < liveMs;
    if (!isLive && now - (entry.x ?? entry.w ?? entry.s) >= parkedMs) continue;
    const group = { node: isLive ? entry.n : parkedNode, client: entry.c, lookedAt };
    if (isLive || entry.a === undefined) add(groups, group, connection);
    else {
      nameless.push(group);
      connectionsOf.set(group, connection);
    }
  }
  // A socket without an id of its own cannot be told from a new one. It is waited for only where no other one listens: else
  // every new tab would get again what the user has seen in another one.
  const listening = new Set([...groups.values()].filter(({ node }) => node !== parkedNode).map(({ client }) => client));
  for (const group of nameless) {
    if (!listening.has(group.client)) add(groups, group, connectionsOf.get(group) ?? '');
  }
  return [...groups.values()].map((group) =>
    group.node === parkedNode && listening.has(group.client) ? { ...group, namedOnly: true } : group,
  );
}

function add(groups: Map<string, SocketGroup>, of: Omit<SocketGroup, 'connections'>, connection: string): void {
  const id = `${of.node} ${of.client}`;
  const group = groups.get(id) ?? { ...of, connections: [] };
  group.connections.push(connection);
  groups.set(id, group);
}
