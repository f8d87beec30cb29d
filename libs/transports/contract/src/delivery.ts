import type { TransportName } from './transport-name';

/** The priority of a notification. It also decides how long the notification waits for similar ones. */
export type Priority = 'high' | 'medium' | 'low';

/** The next step for a delivery to parked sockets. */
export type ParkedStep =
  /** Find the sockets of the delivery; forward it to their nodes, or park it. */
  | 'find'
  /** The time of parking has ended: record whether a socket received the delivery. */
  | 'settle'
  /** Record that no mailbox had room for the delivery. */
  | 'full'
  /** Record that no socket can come back. */
  | 'gone';

/** The sockets of a delivery, if it is not for all sockets of its client at a node. */
export type SocketTarget =
  | { readonly kind: 'socket'; readonly node: string; readonly connection: string }
  | {
      readonly kind: 'parked';
      readonly step: ParkedStep;
      /** Whether sockets whose connection id the server generated are excluded. */
      readonly namedOnly?: true;
      /** Whether a version without mailboxes wrote the delivery. Only read, never written. */
      readonly isBeforeMailboxes?: true;
    };

/**
 * One notification on its way to one subscription (or to one node's open sockets of a user). Jobs contain it, so its
 * shape is a wire format: fields may only be added, as optional ones.
 */
export interface Delivery {
  /** An id that is the same for every attempt. Receivers detect duplicates by it. */
  readonly id: string;
  readonly notificationId: string;
  /** Distinguishes notifications of two producers whose own ids are equal; absent where ids are unique without it. */
  readonly producer?: string;
  /** The subscription's id; absent for open sockets, which are their own subscription. */
  readonly subscriptionId?: string;
  readonly context: number;
  readonly user: number;
  readonly client: string;
  readonly transport: TransportName;
  /** Device token, webhook URI or channel URI; for open sockets, the node that holds them. */
  readonly token: string;
  /** For sockets: the sockets that get the delivery; if absent, all sockets of the client at the node. */
  readonly target?: SocketTarget;
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /**
   * The push token or connection id of the client that caused the notification. The notification must not be sent to this client.
   */
  readonly sourceToken?: string;
  readonly priority: Priority;
  /** The number of notifications that this one stands for; more than 1 only in the mode `collect`. */
  readonly count: number;
  /**
   * Set if the newest notification replaces all earlier notifications with the same key. The key is the topic, followed by a
   * blank and the producer's aggregation key if there is one.
   */
  readonly collapseKey?: string;
  /** When the notification was accepted, in ms since the epoch. */
  readonly timestamp: number;
  /** When its time to live ends, in ms since the epoch. */
  readonly expiresAt?: number;
  /** When its window fell due, in ms since the epoch. The end-to-end duration begins here. */
  readonly dueAt: number;
  /** For open sockets: the place of its notification in the order of acceptance, among notifications with the same `dueAt`. */
  readonly order?: number;
  /** For open sockets: when the registry was read to address the delivery, by Redis' clock, in ms since the epoch. */
  readonly lookedAt?: number;
  /** The user's primary e-mail address, if it is in the directory. */
  readonly email1?: string;
  /** Whether the subscription of a webhook may have `meta` with credentials. Jobs do not contain `meta`; the worker reads it. */
  readonly hasMeta?: true;
  /** The number of the attempt, counted from 1. */
  readonly attempt: number;
  /** When the delivery was first deferred since its last attempt, in ms since the epoch. */
  readonly deferredSince?: number;
  /** Only read, never written: the name of `deferredSince` in earlier versions. */
  readonly sparedSince?: number;
  /**
   * Of a test push: the Redis channel that receives the outcome of its only attempt. A test push is neither retried nor
   * stored.
   */
  readonly replyTo?: string;
  /** The span of the dispatch; a transport gets the span of its request instead. Absent if the trace is not sampled. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** Compares deliveries by acceptance: by the due time of their windows, then by `order`. */
export function byAcceptance(one: Delivery, other: Delivery): number {
  return one.dueAt - other.dueAt || (one.order ?? 0) - (other.order ?? 0);
}

/** The owner of messages to the operator. The messages belong to no user, so no property of a user applies. */
export const operatorOwner = { context: 0, user: 0 } as const;

/** Whether the delivery is a message to the operator. */
export function isForOperator({ context }: Pick<Delivery, 'context'>): boolean {
  return context === operatorOwner.context;
}
