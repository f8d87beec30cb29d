import { scanKeys, type Erased, type KeySpace, type RedisClient } from '@pns/queue';
import type { Owner } from '@pns/subscriptions';
import type { Delivery } from '@pns/transport-contract';
import type { SocketNodes } from './nodes';
import { script } from './scripts';

/** Whose sockets. */
export interface UserKey {
  readonly context: number;
  readonly user: number;
}

/** One socket of a user. */
export interface SocketKey extends UserKey {
  readonly client: string;
  /** Unique among the user's open sockets; 1 to 128 of `A-Z a-z 0-9 _ . ~ -`. */
  readonly connection: string;
  /** Whether the server made up the connection id, so that the client comes back with another one. */
  readonly isAnonymous: boolean;
}

/** Open sockets of a user that one node holds for one client; the node `away` holds those that may come back. */
export interface SocketGroup {
  readonly node: string;
  readonly client: string;
  readonly connections: string[];
  /** Of those that are away: whether only sockets with an id of their own are waited for. */
  readonly namedOnly?: boolean;
}

/** What a socket that came back missed. */
export interface Missed {
  readonly deliveries: readonly Delivery[];
  /** Whether there may be more that is not kept. */
  readonly hasGap: boolean;
}

/** How an attempt to open a socket ended. Times are Redis' own, in ms since the epoch. */
export type Opening =
  | { readonly kind: 'open'; readonly awaySince?: number; readonly missed: Missed }
  /** The user has an open socket with this connection id. */
  | { readonly kind: 'duplicate' }
  /** The user has as many open sockets as allowed. */
  | { readonly kind: 'full' };

/** What became of a socket that its node still holds. */
export type Kept =
  | { readonly kind: 'kept' }
  /** Another node holds an open socket with this connection id. */
  | { readonly kind: 'taken' }
  /** It was taken for away meanwhile, or missed something. */
  | { readonly kind: 'back'; readonly missed: Missed };

/** Where a delivery goes whose socket is not where it was looked for. */
export interface Whereabouts {
  /** `parked`: waits for a socket to come back; `full`: too much waits already; `nobody`: none may come back. */
  readonly waiting: 'parked' | 'full' | 'nobody';
  /** Sockets that came back already. */
  readonly back: readonly { readonly node: string; readonly connection: string }[];
}

/** How long a socket that closed may come back and get what it missed, in ms. As in entries.lua. */
export const awayMs = 120_000;

/** The "node" of sockets that are away: its queue is worked on by all. */
export const awayNode = '-';

/** The token of a delivery to sockets that are away: with which attempt it came there, and for which sockets. */
export function awayToken(attempt: number, namedOnly = false): string {
  return `${awayNode} ${attempt}${namedOnly ? ' named' : ''}`;
}

/** Reads what `awayToken` wrote. */
export function readAwayToken(token: string): { readonly attempt: number; readonly namedOnly: boolean } {
  const [, attempt = '1', named] = token.split(' ');
  return { attempt: Number(attempt), namedOnly: named !== undefined };
}

/** The node that a delivery's token names. */
export function nodeOf(token: string): string {
  return token.split(' ', 1)[0] ?? token;
}

/** Sockets not heard of for this long are taken for away, in ms: their node has no connection to Redis. As in entries.lua. */
const liveMs = 60_000;

/** What Redis keeps of a socket; entries.lua tells what the letters mean. */
interface Entry {
  readonly n: string;
  readonly c: string;
  readonly s: number;
  readonly x?: number;
  readonly a?: number;
}

/** Which socket nodes hold a user's sockets, and what waits for those that may come back. Kept in the user's shard. */
export class Presence {
  private readonly scripts: Readonly<
    Record<'open' | 'close' | 'keep' | 'park' | 'settle' | 'miss' | 'look', ReturnType<typeof script>>
  >;

  /** `clock` replaces Redis' time, for tests of the rules. */
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: KeySpace,
    private readonly nodes: Pick<SocketNodes, 'dead'>,
    private readonly clock: () => number | '' = () => '',
  ) {
    const named = (name: string) => script(redis, name, 2, 'entries');
    this.scripts = {
      open: named('open'),
      close: named('close'),
      keep: named('keep'),
      park: named('park'),
      settle: named('settle'),
      miss: named('miss'),
      look: script(redis, 'look'),
    };
  }

  /** Opens a socket at `node`, atomically across nodes, and hands over what waited for it. */
  async open(socket: SocketKey, node: string, maxPerUser: number): Promise<Opening> {
    const args = [socket.connection, node, socket.client, flag(socket.isAnonymous), maxPerUser];
    const [kind, , since, hasGap, ...missed] = await this.scripts.open(...(await this.preface(socket)), ...args);
    if (kind !== 'open') return { kind: kind as 'duplicate' | 'full' };
    const awaySince = since === '' ? {} : { awaySince: Number(since) };
    return { kind, ...awaySince, missed: { deliveries: missed.map(readDelivery), hasGap: hasGap === '1' } };
  }

  /**
   * Notes that a socket is away and may come back. `awaySince` is given when the socket never got what waited for it,
   * `hasGap` when it may have missed something that was sent to it. Harmless for a socket that is another node's by now.
   */
  async close(socket: SocketKey, node: string, { awaySince, hasGap = false }: CloseOptions = {}): Promise<void> {
    // Sent before anything else is: a delivery that the node hands on next has to find the socket away.
    const args = [node, socket.connection, awaySince ?? '', flag(hasGap)];
    await this.scripts.close(...this.keysOf(socket), this.clock(), '[]', ...args);
  }

  /**
   * Says of the open sockets of `node` that they are still there; to be repeated every 20 s. Answers in order what became
   * of each. `wasDead` tells that others took the node for dead.
   */
  async keep(sockets: readonly SocketKey[], node: string, wasDead = false): Promise<Kept[]> {
    const perUser = new Map<string, SocketKey[]>();
    for (const socket of sockets) {
      const key = this.socketsKey(socket);
      perUser.set(key, [...(perUser.get(key) ?? []), socket]);
    }
    const dead = await this.deadNodes();
    const became = new Map<string, Kept>();
    const calls = [...perUser.values()].map(async (held) => {
      const args = held.flatMap(({ connection, client, isAnonymous }) => [connection, client, flag(isAnonymous)]);
      const user = held[0] as SocketKey;
      const answers = await this.scripts.keep(...this.keysOf(user), this.clock(), dead, node, flag(wasDead), ...args);
      for (const answer of answers as string[][]) became.set(`${this.socketsKey(user)} ${answer[0]}`, kept(answer));
    });
    await Promise.all(calls);
    return sockets.map((socket) => became.get(`${this.socketsKey(socket)} ${socket.connection}`) ?? { kind: 'kept' });
  }

  /** For each user, in order: who holds the open sockets and those that may come back. One round trip for all. */
  async openSockets(users: readonly UserKey[]): Promise<SocketGroup[][]> {
    if (users.length === 0) return [];
    const [dead, now, all] = await Promise.all([this.nodes.dead(), this.now(), this.entriesOf(users)]);
    const deadNodes = new Set(dead);
    return all.map((entries) => (entries.length === 0 ? [] : grouped(entries, deadNodes, now)));
  }

  /** Finds out where a delivery goes whose socket is not where it was looked for, and lets it wait where needed. */
  async park(delivery: Delivery, namedOnly = false): Promise<Whereabouts> {
    const { client, sourceToken = '', dueAt } = delivery;
    const source = encodeURIComponent(sourceToken);
    const args = [waitingId(delivery), client, source, dueAt, JSON.stringify(delivery), flag(namedOnly)];
    const [waiting, ...flat] = (await this.scripts.park(...(await this.preface(delivery)), ...args)) as string[];
    const back = [];
    for (let at = 0; at < flat.length; at += 2) back.push({ node: String(flat[at]), connection: String(flat[at + 1]) });
    return { waiting: waiting === '' ? 'nobody' : (waiting as 'parked' | 'full'), back };
  }

  /** Ends the waiting of a parked delivery; answers whether a socket came back and took it. */
  async settle(delivery: Delivery): Promise<boolean> {
    const [taken] = await this.scripts.settle(...this.keysOf(delivery), this.clock(), '[]', waitingId(delivery));
    return taken === '1';
  }

  /**
   * Notes that a delivery is given up, for the one socket of that id or for all it was for: each is told when it comes
   * back, or when its node says next that it keeps it.
   */
  async miss(delivery: Delivery, connection = ''): Promise<void> {
    const { client, sourceToken = '', dueAt } = delivery;
    const args = [client, encodeURIComponent(sourceToken), dueAt, connection];
    await this.scripts.miss(...(await this.preface(delivery)), ...args);
  }

  /** Erases what is known of the owner's sockets, and what waits for them. Sockets that are open are to be closed first. */
  async erase({ context, user }: Owner): Promise<Erased> {
    if (user !== undefined) return { found: await this.redis.unlink(...this.keysOf({ context, user })), heldBy: [] };
    const ofContext = new RegExp(`\\}:(sockets|backlog):${context}:\\d+$`);
    let found = 0;
    for await (const scanned of scanKeys(this.redis, this.keys, `:*:${context}:*`)) {
      const keys = scanned.filter((key) => ofContext.test(key));
      const removed = await Promise.all(keys.map((key) => this.redis.unlink(key)));
      found += removed.reduce((sum, count) => sum + count, 0);
    }
    return { found, heldBy: [] };
  }

  /** A script for each shard, because those of a cluster may be at different masters; all are on their way at once. */
  private async entriesOf(users: readonly UserKey[]): Promise<(readonly string[])[]> {
    const perShard = new Map<number, number[]>();
    for (const [index, { context, user }] of users.entries()) {
      const shard = this.keys.shardOf(context, user);
      const indices = perShard.get(shard);
      if (indices === undefined) perShard.set(shard, [index]);
      else indices.push(index);
    }
    const all = users.map((): readonly string[] => []);
    const asked = [...perShard.values()].map(async (indices) => {
      const keys = indices.map((index) => this.socketsKey(users[index] as UserKey));
      const found = await this.scripts.look(keys.length, ...keys);
      for (let at = 0; at < found.length; at += 2) {
        all[indices[Number(found[at])] as number] = found[at + 1] as string[];
      }
    });
    await Promise.all(asked);
    return all;
  }

  private async preface(user: UserKey): Promise<(string | number)[]> {
    return [...this.keysOf(user), this.clock(), await this.deadNodes()];
  }

  private async deadNodes(): Promise<string> {
    return JSON.stringify(await this.nodes.dead());
  }

  private keysOf(user: UserKey): [string, string] {
    return [this.socketsKey(user), this.keyOf('backlog', user)];
  }

  private socketsKey(user: UserKey): string {
    return this.keyOf('sockets', user);
  }

  private keyOf(kind: 'sockets' | 'backlog', { context, user }: UserKey): string {
    return `${this.keys.group(this.keys.shardOf(context, user))}:${kind}:${context}:${user}`;
  }

  private async now(): Promise<number> {
    const clock = this.clock();
    if (clock !== '') return clock;
    const [seconds, microseconds] = await this.redis.time();
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }
}

export interface CloseOptions {
  readonly awaySince?: number | undefined;
  readonly hasGap?: boolean;
}

/** Whoever comes back is told of a notification once, though it may have been on its way to more than one node. */
function waitingId({ notificationId, client }: Delivery): string {
  return `${encodeURIComponent(notificationId)} ${client}`;
}

function flag(value: boolean): '1' | '' {
  return value ? '1' : '';
}

function readDelivery(json: unknown): Delivery {
  return JSON.parse(String(json)) as Delivery;
}

function kept([, kind, hasGap, ...missed]: string[]): Kept {
  if (kind !== 'back') return { kind: kind as 'kept' | 'taken' };
  return { kind, missed: { deliveries: missed.map(readDelivery), hasGap: hasGap === '1' } };
}

/** `entries`: connection id and JSON in turn. */
function grouped(entries: readonly string[], dead: ReadonlySet<string>, now: number): SocketGroup[] {
  const groups = new Map<string, SocketGroup>();
  const nameless: SocketGroup[] = [];
  for (let at = 0; at < entries.length; at += 2) {
    const [connection, json] = entries.slice(at, at + 2) as [string, string];
    const entry = JSON.parse(json) as Entry;
    const isLive = entry.x === undefined && !dead.has(entry.n) && now - entry.s < liveMs;
    if (!isLive && now - (entry.x ?? entry.s) >= awayMs) continue;
    const node = isLive ? entry.n : awayNode;
    if (!isLive && entry.a !== undefined) nameless.push({ node, client: entry.c, connections: [connection] });
    else add(groups, node, entry.c, connection);
  }
  // A socket without an id of its own cannot be told from a new one. It is waited for only where no other one listens:
  // else every new tab would be told again what the user has seen in another one.
  const listening = new Set([...groups.values()].filter(({ node }) => node !== awayNode).map(({ client }) => client));
  for (const { node, client, connections } of nameless) {
    if (!listening.has(client)) connections.forEach((connection) => add(groups, node, client, connection));
  }
  return [...groups.values()].map((group) =>
    group.node === awayNode && listening.has(group.client) ? { ...group, namedOnly: true } : group,
  );
}

function add(groups: Map<string, SocketGroup>, node: string, client: string, connection: string): void {
  const id = `${node} ${client}`;
  const group = groups.get(id) ?? { node, client, connections: [] };
  group.connections.push(connection);
  groups.set(id, group);
}
