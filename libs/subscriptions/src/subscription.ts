import { matchingPattern } from '@pns/topics';
import type { TransportName } from '@pns/transport-contract';

/** Longest device token, webhook URI or channel URI, in bytes of its UTF-8. */
export const maxTokenBytes = 4096;

/** Most topic patterns in one subscription. */
export const maxTopicsPerSubscription = 100;

/** A user. User ids are unique only within their context. */
export interface UserKey {
  readonly context: number;
  readonly user: number;
}

/** The owner of data: a user, or without `user` the whole context. */
export interface Owner {
  readonly context: number;
  readonly user?: number | undefined;
}

/** Whether data of a user belongs to `owner`. */
export function isOwnedBy({ context, user }: UserKey, owner: Owner): boolean {
  return context === owner.context && (owner.user === undefined || user === owner.user);
}

/** A request of a user's client for notifications of some topics, and the target to send them to. Times are ms since the epoch. */
export interface Subscription extends UserKey {
  /** A UUID that stays the same when the client registers again. */
  readonly id: string;
  /** The receiving application; for a webhook, the webhook's id. */
  readonly client: string;
  readonly transport: TransportName;
  /** Device token, webhook URI or channel URI. */
  readonly token: string;
  readonly topics: readonly string[];
  /** Absent: the subscription does not expire. */
  readonly expiresAt?: number;
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Whether other users may have the same token; only a webhook's URI can be shared. */
  readonly isShared: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const clientSyntax = /^[A-Za-z0-9_.-]{1,64}$/;

/** Whether `value` is a valid client id: 1 to 64 of `[A-Za-z0-9_.-]`. */
export function isClientId(value: string): boolean {
  return clientSyntax.test(value);
}

/** Whether the subscription has expired at `now`. Nothing is sent to an expired subscription. */
export function isExpired(subscription: Pick<Subscription, 'expiresAt'>, now: number): boolean {
  return subscription.expiresAt !== undefined && subscription.expiresAt <= now;
}

/** The unexpired `subscriptions` with a pattern that matches `topic`, in their order. */
export function subscriptionsWanting<S extends Pick<Subscription, 'topics' | 'expiresAt'>>(
  topic: string,
  subscriptions: readonly S[],
  now: number,
): S[] {
  return subscriptions.filter((each) => !isExpired(each, now) && matchingPattern(topic, each.topics) !== undefined);
}
