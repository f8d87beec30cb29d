import { nodeOf, socketTargetOf } from '@pns/delivery';
import { LuaScript, type KeySpace, type RedisClient } from '@pns/redis';
import type { UserKey } from '@pns/subscriptions';
import { distinctId, type Delivery } from '@pns/transport-contract';
import { flag, keysOf, type Opening } from '../registry/socket-keys';
import type { SocketNodes } from '../registry/socket-nodes';
import { ruleArgument } from '../registry/socket-rules';

/** How much may be parked for one socket. */
export interface MailboxLimits {
  readonly maxNotifications: number;
  /** Bytes of the notifications' payloads. */
  readonly maxBytes: number;
}

/** The content of a mailbox that a socket collects. */
export interface Missed {
  /** In the order of acceptance. */
  readonly deliveries: readonly Delivery[];
  /** Whether the socket missed something that is stored nowhere. */
  readonly hasGap: boolean;
}

/** How an attempt to collect a mailbox ended. */
export type Collected =
  | { readonly kind: 'collected'; readonly missed: Missed }
  /** The previous opening has not yet returned its unconfirmed deliveries. */
  | { readonly kind: 'wait' }
  /** Another opening has the connection id now. */
  | { readonly kind: 'taken' };

/** The result for a delivery whose socket was not at the node where the registry had it. */
export interface ParkResult {
  /** `parked`: the delivery is in a mailbox; `full`: no mailbox has room; `none`: no socket is parked for it. */
  readonly kind: 'parked' | 'full' | 'none';
  /** Sockets that came back and have collected their mailbox already. */
  readonly back: readonly Place[];
}

/** An open socket. */
interface Place {
  readonly node: string;
  readonly connection: string;
}

/** How the parking of a delivery ended. */
export type Settled =
  | { readonly kind: 'given' | 'missed' }
  /** The sockets of the delivery are at nodes of an earlier version, which has no mailboxes. */
  | { readonly kind: 'back'; readonly delivery: Delivery; readonly back: readonly Place[] };

/** A delivery whose socket is not at the node that it was sent to. */
export interface UnplacedDelivery {
  readonly delivery: Delivery;
  /** Whether other sockets at that node have received it. */
  readonly isPartlySent?: boolean;
}

const scripts = {
  close: mailboxScript<string[]>('close'),
  collect: mailboxScript<string[]>('collect'),
  park: mailboxScript<string[][]>('park'),
  settle: mailboxScript<string[][]>('settle'),
  markMissed: mailboxScript('mark-missed'),
};

/** The deliveries that are parked for sockets that may come back: a mailbox for each socket, in the user's shard. */
export class Mailboxes {
  /** `clock` replaces the time of Redis, for tests of the rules. */
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: KeySpace,
    private readonly nodes: Pick<SocketNodes, 'dead'>,
    private readonly clock: () => number | '' = () => '',
  ) {}

  /**
   * Notes that a socket closed and may come back, and stores its unconfirmed deliveries. Safe to repeat. If another
   * opening has collected the mailbox before, returns the node of that opening, to which the deliveries must be sent.
   */
  async close(socket: Opening, node: string, unconfirmed: Missed, limits: MailboxLimits): Promise<string | undefined> {
    const { connection, opening } = socket;
    const stored = unconfirmed.deliveries.flatMap((delivery) => [
      orderOf(delivery),
      parkedId(delivery),
      bytesOf(delivery),
      JSON.stringify(delivery),
    ]);
    const { maxNotifications, maxBytes } = limits;
    const args = [connection, node, opening, flag(unconfirmed.hasGap), maxNotifications, maxBytes, ...stored];
    // The script is sent at once, without reading which nodes are dead, because a delivery that the node forwards next must find
    // the socket closed.
    const [sendTo] = await scripts.close.run(this.redis, ...this.preface(socket, []), ...args);
    return sendTo === '' ? undefined : sendTo;
  }

  /** Empties the mailbox of an open socket. With `isLastTry` it does not wait for the previous opening. */
  async collect(socket: Opening, node: string, isLastTry: boolean): Promise<Collected> {
    const { connection, opening } = socket;
    const args = [connection, node, opening, flag(isLastTry)];
    const [kind, hasGap, ...deliveries] = await scripts.collect.run(this.redis, ...this.preface(socket, []), ...args);
    if (kind !== '') return { kind: kind as 'wait' | 'taken' };
    return { kind: 'collected', missed: { deliveries: deliveries.map(readDelivery), hasGap: hasGap === '1' } };
  }

  /**
   * Puts deliveries into the mailboxes of their sockets that are parked, and finds sockets that came back. Returns the result of
   * each delivery, in order. Safe to repeat, because a mailbox holds a delivery once.
   */
  async park(
    deliveries: readonly UnplacedDelivery[],
    limitsOf: (user: UserKey) => MailboxLimits,
  ): Promise<ParkResult[]> {
    const perUser = new Map<string, UnplacedDelivery[]>();
    for (const one of deliveries) {
      const key = `${one.delivery.context} ${one.delivery.user}`;
      const ofUser = perUser.get(key);
      if (ofUser === undefined) perUser.set(key, [one]);
      else ofUser.push(one);
    }
    const dead = await this.nodes.dead();
    const became = new Map<UnplacedDelivery, ParkResult>();
    await Promise.all([...perUser.values()].map((ofUser) => this.parkOfUser(ofUser, dead, limitsOf, became)));
    return deliveries.map((one) => became.get(one) ?? { kind: 'none', back: [] });
  }

  /** Ends the parking of a delivery, and returns how it ended. */
  async settle(delivery: Delivery): Promise<Settled> {
    const { client, sourceToken = '' } = delivery;
    const args = [parkedId(delivery), orderOf(delivery), roundOf(delivery), client, sourceToken];
    const preface = this.preface(delivery, await this.nodes.dead());
    const [became = []] = await scripts.settle.run(this.redis, ...preface, ...args);
    const [given, parked, ...flat] = became;
    if (parked !== undefined) return { kind: 'back', delivery: readDelivery(parked), back: placesIn(flat) };
    return { kind: given === '1' ? 'given' : 'missed' };
  }

  /**
   * Notes that a delivery has expired, for the socket with the id `connection`, or without an id for all its sockets.
   * The client of each socket is informed when it comes back, or when its node renews the socket.
   */
  async markMissed(delivery: Delivery, connection = ''): Promise<void> {
    const { client, sourceToken = '', dueAt } = delivery;
    const preface = this.preface(delivery, await this.nodes.dead());
    await scripts.markMissed.run(this.redis, ...preface, client, sourceToken, dueAt, connection);
  }

  private async parkOfUser(
    deliveries: readonly UnplacedDelivery[],
    dead: readonly string[],
    limitsOf: (user: UserKey) => MailboxLimits,
    became: Map<UnplacedDelivery, ParkResult>,
  ): Promise<void> {
    const user = deliveries[0]?.delivery;
    if (user === undefined) return;
    const { maxNotifications, maxBytes } = limitsOf(user);
    const args = [maxNotifications, maxBytes, ...deliveries.flatMap(parkArguments)];
    const answers = await scripts.park.run(this.redis, ...this.preface(user, dead), ...args);
    for (const [index, one] of deliveries.entries()) {
      const [kind = '', ...flat] = answers[index] ?? [];
      became.set(one, { kind: kind === '' ? 'none' : (kind as 'parked' | 'full'), back: placesIn(flat) });
    }
  }

  private preface(user: UserKey, dead: readonly string[]): (string | number)[] {
    return [...keysOf(this.keys, user), this.clock(), ruleArgument(dead)];
  }
}

function mailboxScript<Answer = unknown>(name: string): LuaScript<Answer> {
  const preludes = ['../registry/rules', '../registry/entries'];
  return new LuaScript({ folder: __dirname, name, numberOfKeys: 4, preludes });
}

function parkArguments({ delivery, isPartlySent = false }: UnplacedDelivery): (string | number)[] {
  const { client, sourceToken = '', dueAt } = delivery;
  const target = socketTargetOf(delivery);
  const only = target.kind === 'socket' ? target.connection : '';
  const isNamedOnly = isPartlySent || (target.kind === 'parked' && target.namedOnly === true);
  // A node of an earlier version forwards deliveries for its sockets as if they were parked, so `lookedAt` does not apply.
  const isBeforeMailboxes = target.kind === 'parked' && target.isBeforeMailboxes === true;
  const lookedAt = isBeforeMailboxes ? undefined : delivery.lookedAt;
  // If the time of the reading is unknown, the registry was read after the window fell due.
  const looked = [lookedAt ?? dueAt, lookedAt ?? Number.MAX_SAFE_INTEGER];
  return [
    parkedId(delivery),
    client,
    sourceToken,
    nodeOf(delivery),
    only,
    ...looked,
    flag(isNamedOnly),
    orderOf(delivery),
    bytesOf(delivery),
    roundOf(delivery),
    JSON.stringify(delivery),
  ];
}

/** The id in mailboxes. Deliveries of a notification to a client share this id, so that a socket gets the notification once. */
function parkedId({ notificationId, producer, client }: Delivery): string {
  const own = distinctId({ id: notificationId, producer });
  return `${encodeURIComponent(own)} ${client}`;
}

/** Returns the text by which deliveries are sorted: the due time of the window, then the place in the order of acceptance. */
function orderOf({ dueAt, order = 0 }: Delivery): string {
  return `${String(Math.floor(dueAt)).padStart(14, '0')}${String(order).padStart(16, '0')}`;
}

/** Identifies the delivery whose job ends the parking. */
function roundOf({ id }: Delivery): string {
  return encodeURIComponent(id);
}

function bytesOf({ payload }: Delivery): number {
  return Buffer.byteLength(JSON.stringify(payload));
}

/** Returns the places in `flat`, in which node and connection id alternate. */
function placesIn(flat: readonly string[]): Place[] {
  const places: Place[] = [];
  for (let at = 0; at < flat.length; at += 2) places.push({ node: flat[at] ?? '', connection: flat[at + 1] ?? '' });
  return places;
}

function readDelivery(json: string): Delivery {
  return JSON.parse(json) as Delivery;
}
