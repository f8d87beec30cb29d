import type { KeySpace, RedisClient } from '@pns/queue';
import type { Delivery } from '@pns/transport-contract';
import { parkedNode, nodeOf, readParkedToken } from '@pns/delivery';
import type { SocketNodes } from '../registry/socket-nodes';
import { script } from '../registry/scripts';
import { flag, keysOf, type Opening, type UserKey } from '../registry/socket-keys';

/** How much may wait for one socket. */
export interface MailboxLimits {
  readonly maxNotifications: number;
  /** Bytes of their payloads. */
  readonly maxBytes: number;
}

/** What a socket gets when it collects its mailbox. */
export interface Missed {
  /** In the order of acceptance. */
  readonly deliveries: readonly Delivery[];
  /** Whether it missed something that nobody keeps. */
  readonly hasGap: boolean;
}

/** What became of an attempt to collect a mailbox. */
export type Collected =
  | { readonly kind: 'collected'; readonly missed: Missed }
  /** The opening before has not yet returned what its client did not confirm. */
  | { readonly kind: 'wait' }
  /** Another opening has the connection id by now. */
  | { readonly kind: 'taken' };

/** Where a delivery goes whose socket is not where it was looked for. */
export interface ParkResult {
  /** `parked`: waits in a mailbox; `full`: no mailbox has room; `nobody`: no socket can come back. */
  readonly waiting: 'parked' | 'full' | 'gone';
  /** Sockets that came back and collected their mailbox before. */
  readonly back: readonly Place[];
}

/** A socket that is open. */
export interface Place {
  readonly node: string;
  readonly connection: string;
}

/** How the waiting of a delivery ended. */
export type Settled =
  | { readonly kind: 'given' | 'missed' }
  /** Its sockets are at nodes of an earlier version, which do not know mailboxes. */
  | { readonly kind: 'back'; readonly delivery: Delivery; readonly back: readonly Place[] };

/** A delivery, and whether other sockets at the node that its token names have it. */
export interface UnplacedDelivery {
  readonly delivery: Delivery;
  readonly isPartlySent?: boolean;
}

/** What waits for sockets that may come back: a mailbox for each, in the user's shard. */
export class Mailboxes {
  private readonly scripts: Readonly<
    Record<'close' | 'collect' | 'park' | 'settle' | 'markMissed', ReturnType<typeof script>>
  >;

  /** `clock` replaces Redis' time, for tests of the rules. */
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: KeySpace,
    private readonly nodes: Pick<SocketNodes, 'dead'>,
    private readonly clock: () => number | '' = () => '',
  ) {
    const named = (name: string) => script(redis, `mailbox/${name}`, 4, 'registry/entries');
    this.scripts = {
      close: named('close'),
      collect: named('collect'),
      park: named('park'),
      settle: named('settle'),
      markMissed: named('mark-missed'),
    };
  }

  /**
   * Notes that a socket is away and may come back, and keeps what its client has not confirmed. Harmless to repeat. Where
   * another opening has collected the mailbox before, answers its node, which the deliveries are to be sent to.
   */
  async close(socket: Opening, node: string, unconfirmed: Missed, limits: MailboxLimits): Promise<string | undefined> {
    const { connection, opening } = socket;
    const kept = unconfirmed.deliveries.flatMap((delivery) => [
      orderOf(delivery),
      waitingId(delivery),
      bytesOf(delivery),
      JSON.stringify(delivery),
    ]);
    const args = [
      connection,
      node,
      opening,
      flag(unconfirmed.hasGap),
      limits.maxNotifications,
      limits.maxBytes,
      ...kept,
    ];
    // Sent at once, without a look at which nodes are dead: a delivery that the node forwards next must find the socket away.
    const [sendTo] = (await this.scripts.close(...keysOf(this.keys, socket), this.clock(), '[]', ...args)) as string[];
    return sendTo === '' ? undefined : sendTo;
  }

  /** Takes what waits for a socket that is open. With `isLastTry`, what the opening before has not returned is given up. */
  async collect(socket: Opening, node: string, isLastTry: boolean): Promise<Collected> {
    const { connection, opening } = socket;
    const [kind, hasGap, ...deliveries] = (await this.scripts.collect(
      ...keysOf(this.keys, socket),
      this.clock(),
      '[]',
      connection,
      node,
      opening,
      flag(isLastTry),
    )) as string[];
    if (kind !== '') return { kind: kind as 'wait' | 'taken' };
    return { kind: 'collected', missed: { deliveries: deliveries.map(readDelivery), hasGap: hasGap === '1' } };
  }

  /**
   * Finds out where deliveries go, and puts them into the mailboxes of sockets that are away. Answers in order what became of
   * each. A repetition puts none into a mailbox that still has it.
   */
  async park(deliveries: readonly UnplacedDelivery[], limitsOf: (user: UserKey) => MailboxLimits): Promise<ParkResult[]> {
    const perUser = new Map<string, UnplacedDelivery[]>();
    for (const one of deliveries) {
      const key = `${one.delivery.context} ${one.delivery.user}`;
      const ofUser = perUser.get(key);
      if (ofUser === undefined) perUser.set(key, [one]);
      else ofUser.push(one);
    }
    const dead = JSON.stringify(await this.nodes.dead());
    const became = new Map<UnplacedDelivery, ParkResult>();
    await Promise.all([...perUser.values()].map((ofUser) => this.parkOfUser(ofUser, dead, limitsOf, became)));
    return deliveries.map((one) => became.get(one) ?? { waiting: 'gone', back: [] });
  }

  /** Ends the waiting of a parked delivery. */
  async settle(delivery: Delivery): Promise<Settled> {
    const { client, sourceToken = '' } = delivery;
    const args = [waitingId(delivery), orderOf(delivery), roundOf(delivery), client, sourceToken];
    const [became = []] = (await this.scripts.settle(...(await this.preface(delivery)), ...args)) as string[][];
    const [given, parked, ...flat] = became;
    if (parked !== undefined) return { kind: 'back', delivery: readDelivery(parked), back: placesIn(flat) };
    return { kind: given === '1' ? 'given' : 'missed' };
  }

  /**
   * Notes that a delivery is given up, for the one socket of that id or for all it was for: each is told when it comes back, or
   * when its node says next that it keeps it.
   */
  async markMissed(delivery: Delivery, connection = ''): Promise<void> {
    const { client, sourceToken = '', dueAt } = delivery;
    await this.scripts.markMissed(...(await this.preface(delivery)), client, sourceToken, dueAt, connection);
  }

  private async parkOfUser(
    deliveries: readonly UnplacedDelivery[],
    dead: string,
    limitsOf: (user: UserKey) => MailboxLimits,
    became: Map<UnplacedDelivery, ParkResult>,
  ): Promise<void> {
    const user = deliveries[0]?.delivery;
    if (user === undefined) return;
    const { maxNotifications, maxBytes } = limitsOf(user);
    const args = deliveries.flatMap(parkArguments);
    const preface = [...keysOf(this.keys, user), this.clock(), dead, maxNotifications, maxBytes];
    const answers = (await this.scripts.park(...preface, ...args)) as string[][];
    for (const [index, one] of deliveries.entries()) {
      const [waiting = '', ...flat] = answers[index] ?? [];
      became.set(one, { waiting: waiting === '' ? 'gone' : (waiting as 'parked' | 'full'), back: placesIn(flat) });
    }
  }

  private async preface(user: UserKey): Promise<[string, string, string, string, number | '', string]> {
    return [...keysOf(this.keys, user), this.clock(), JSON.stringify(await this.nodes.dead())];
  }
}

function parkArguments({ delivery, isPartlySent = false }: UnplacedDelivery): (string | number)[] {
  const { client, sourceToken = '', token, dueAt } = delivery;
  const from = nodeOf(token);
  const only = from === parkedNode ? '' : token.slice(from.length + 1);
  const away = from === parkedNode ? readParkedToken(token) : undefined;
  const isNamedOnly = isPartlySent || away?.namedOnly === true;
  // A node of an earlier version sends on what was for its own sockets as if it had been for those that were away.
  const lookedAt = away?.isEarlier === true ? undefined : delivery.lookedAt;
  // Where nothing says when presence was read, it was after the window fell due.
  const looked = [lookedAt ?? dueAt, lookedAt ?? Number.MAX_SAFE_INTEGER];
  return [
    waitingId(delivery),
    client,
    sourceToken,
    from,
    only,
    ...looked,
    flag(isNamedOnly),
    orderOf(delivery),
    bytesOf(delivery),
    roundOf(delivery),
    JSON.stringify(delivery),
  ];
}

/** A socket gets a notification once, though it may have been on its way to more than one node. */
function waitingId({ notificationId, client }: Delivery): string {
  return `${encodeURIComponent(notificationId)} ${client}`;
}

/** What deliveries are sorted by as text: the due time of their window, then the order of acceptance. */
function orderOf({ dueAt, order = 0 }: Delivery): string {
  return `${String(Math.floor(dueAt)).padStart(14, '0')}${String(order).padStart(16, '0')}`;
}

/** Names the hand-over that ends the waiting of a delivery. */
function roundOf({ id }: Delivery): string {
  return encodeURIComponent(id);
}

function bytesOf({ payload }: Delivery): number {
  return Buffer.byteLength(JSON.stringify(payload));
}

/** `flat`: node and connection id in turn. */
function placesIn(flat: readonly string[]): Place[] {
  const places: Place[] = [];
  for (let at = 0; at < flat.length; at += 2) places.push({ node: flat[at] ?? '', connection: flat[at + 1] ?? '' });
  return places;
}

function readDelivery(json: string): Delivery {
  return JSON.parse(json) as Delivery;
}
