import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { connectRedis, KeySpace } from '@pns/redis';
import type { Delivery } from '@pns/transport-contract';
import { parkedNode } from '@pns/delivery';
import { Mailboxes, type MailboxLimits, type Missed, type ParkResult } from '../mailbox/mailboxes';
import { SocketRegistry, type Opened, type SocketGroup } from '../registry/socket-registry';
import type { Opening, SocketKey } from '../registry/socket-keys';

export const user = { context: 1, user: 14 };
export const client = 'open-xchange-appsuite';
const limits: MailboxLimits = { maxNotifications: 1000, maxBytes: 1024 * 1024 };

/** The sockets of one user at simulated nodes, with a simulated clock. */
export class UserSockets {
  readonly prefix = freshPrefix();
  readonly redis = connectRedis(testRedisUrl());
  now = 1_700_000_000_000;
  dead: string[] = [];
  private readonly nodes = { dead: () => Promise.resolve(this.dead) };
  private readonly keys = new KeySpace(4, this.prefix);
  readonly registry = new SocketRegistry(this.redis, this.keys, this.nodes, () => this.now);
  readonly mailboxes = new Mailboxes(this.redis, this.keys, this.nodes, () => this.now);
  private openings = 0;
  private order = 0;
  /** The latest opening of each connection id. */
  private readonly latest = new Map<string, { readonly opening: Opening; readonly node: string }>();

  socket(connection: string, more: Partial<Opening> = {}): Opening {
    const opening = `${++this.openings}`;
    return { ...user, client, connection, isAnonymous: false, session: 'mine', opening, ...more };
  }

  async open(connection: string, node = 'a', more: Partial<Opening> = {}, maxPerUser = 8): Promise<Opened> {
    const opening = this.socket(connection, more);
    const opened = await this.registry.open(opening, node, maxPerUser);
    if (opened.kind === 'open') this.latest.set(connection, { opening, node });
    return opened;
  }

  /** The opening that holds this connection id. */
  opening(connection: string): Opening {
    return this.held(connection).opening;
  }

  close(connection: string, unconfirmed: Partial<Missed> = {}, most = limits): Promise<string | undefined> {
    const { opening, node } = this.held(connection);
    return this.mailboxes.close(opening, node, { deliveries: [], hasGap: false, ...unconfirmed }, most);
  }

  /** The deliveries that an open socket collects. */
  async collect(connection: string, isLastTry = false): Promise<{ ids: string[]; hasGap: boolean } | 'wait' | 'taken'> {
    const { opening, node } = this.held(connection);
    const collected = await this.mailboxes.collect(opening, node, isLastTry);
    if (collected.kind !== 'collected') return collected.kind;
    return { ids: collected.missed.deliveries.map(({ id }) => id), hasGap: collected.missed.hasGap };
  }

  /** Opens a socket again, and returns the deliveries that it receives. */
  async comeBack(connection: string, node = 'b', more: Partial<Opening> = {}) {
    const opened = await this.open(connection, node, more);
    if (opened.kind !== 'open') throw new Error(opened.kind);
    return opened.isBehind ? this.collect(connection) : { ids: [], hasGap: false };
  }

  async renew(connection: string, node: string, wasDead = false, more: Partial<SocketKey> = {}) {
    const [kept] = await this.registry.renew([{ ...this.opening(connection), ...more }], node, wasDead);
    return kept;
  }

  async groups(): Promise<Omit<SocketGroup, 'lookedAt'>[]> {
    const [groups = []] = await this.registry.socketsOf([user]);
    return groups.map(({ node, client: of, connections, namedOnly }) => ({
      ...{ node, client: of, connections: connections.toSorted() },
      ...(namedOnly === undefined ? {} : { namedOnly }),
    }));
  }

  /** The next delivery in the order of acceptance, addressed at this moment: by default to sockets that are away. */
  delivery(id: string, more: { [Field in keyof Delivery]?: Delivery[Field] | undefined } = {}): Delivery {
    const made = {
      id,
      notificationId: `n-${id}`,
      ...user,
      client,
      transport: 'websocket',
      token: `${parkedNode} find`,
      topic: 'ox:mail:new',
      payload: { folder: 'default0/INBOX', list: [], nothing: {} },
      priority: 'high',
      count: 1,
      timestamp: this.now,
      dueAt: this.now,
      order: ++this.order,
      lookedAt: this.now + 0.5, // later than all events of this ms
      attempt: 1,
      ...more,
    };
    return made as Delivery;
  }

  async park(delivery: Delivery, isPartlySent = false, most = limits): Promise<ParkResult> {
    const [whereabouts] = await this.mailboxes.park([{ delivery, isPartlySent }], () => most);
    return whereabouts as ParkResult;
  }

  /** One of the user's keys in Redis. */
  key(kind: 'sockets' | 'backlog'): string {
    return `${this.keys.group(this.keys.shardOf(user.context, user.user))}:${kind}:${user.context}:${user.user}`;
  }

  private held(connection: string) {
    const held = this.latest.get(connection);
    if (held === undefined) throw new Error(`There is no opening of ${connection}.`);
    return held;
  }
}
