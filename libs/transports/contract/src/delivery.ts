import type { TransportName } from './transport-name';

/** How urgent a notification is; the factor lengthens the time it may wait for similar ones. */
export type Priority = 'high' | 'medium' | 'low';

/** What remains to be done for a delivery to parked sockets. */
export type ParkedStep =
  /** Find out where its sockets are. */
  | 'find'
  /** The parking is over: record whether a socket received it. */
  | 'settle'
  /** Record that no mailbox had room for it. */
  | 'full'
  /** Record that no socket can come back. */
  | 'gone';

/** Which sockets a delivery is for, where that is not all sockets of its client at a node. */
export type SocketTarget =
  | { readonly kind: 'socket'; readonly node: string; readonly connection: string }
  | {
      readonly kind: 'parked';
      readonly step: ParkedStep;
      /** Not for sockets whose connection id the server made up. */
      readonly namedOnly?: true;
      /** Only read, never written: a version without mailboxes wrote it. */
      readonly isBeforeMailboxes?: true;
    };

/**
 * One notification on its way to one subscription (or to one node's open sockets of a user). It travels inside jobs, so
 * its shape is a wire format: fields are only ever added, and added as optional.
 */
export interface Delivery {
  /** The same for every attempt; receivers de-duplicate by it. */
  readonly id: string;
  readonly notificationId: string;
  /** The subscription's id; for open sockets, which are their own subscription, absent. */
  readonly subscriptionId?: string;
  readonly context: number;
  readonly user: number;
  readonly client: string;
  readonly transport: TransportName;
  /** Device token, webhook URI or channel URI; for open sockets, the node that holds them. */
  readonly token: string;
  /** For sockets, where not all of the client at the node `token` are meant. */
  readonly target?: SocketTarget;
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The push token or connection id of the client that caused the notification, which is not to hear of it. */
  readonly sourceToken?: string;
  readonly priority: Priority;
  /** How many notifications this one stands for; more than 1 only where the topic is collected. */
  readonly count: number;
  /**
   * Set where the newest notification stands for all before it that had the same key: the topic, followed by a blank and
   * the producer's aggregation key where there was one.
   */
  readonly collapseKey?: string;
  /** When the notification was accepted, in ms since the epoch. */
  readonly timestamp: number;
  /** When its time to live ends, in ms since the epoch. */
  readonly expiresAt?: number;
  /** When its window fell due, in ms since the epoch: the start of the end-to-end clock. */
  readonly dueAt: number;
  /** For open sockets: the place of its notification in the order of acceptance, among those of its window's due time. */
  readonly order?: number;
  /** For open sockets: when presence was read to address it, by Redis' clock, in ms since the epoch. */
  readonly lookedAt?: number;
  /** The user's primary e-mail address, where the directory knows it. */
  readonly email1?: string;
  /** Of a webhook: its subscription may have meta, and credentials in it. They do not travel: the worker reads them. */
  readonly hasMeta?: true;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** When its endpoint was first spared it, in ms since the epoch. */
  readonly sparedSince?: number;
  /** Of a test: the Redis channel that hears how its only attempt ended. A test is neither repeated nor kept. */
  readonly replyTo?: string;
}

/** Compares deliveries by acceptance: by the due time of their windows, then by `order`. */
export function byAcceptance(one: Delivery, other: Delivery): number {
  return one.dueAt - other.dueAt || (one.order ?? 0) - (other.order ?? 0);
}
