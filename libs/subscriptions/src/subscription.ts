import { matchingPattern } from '@pns/topics';
import type { TransportName } from '@pns/transport-contract';

/** Longest device token, webhook URI or channel URI, in bytes of its UTF-8. */
export const maxTokenBytes = 4096;

/** Maximum number of topic patterns of one subscription. */
export const maxTopicsPerSubscription = 100;

/** A user: user ids are unique only inside their context. */
export interface UserKey {
  readonly context: number;
  readonly user: number;
}

/** The owner of data: a user, or without `user` a context with all its users. */
export interface Owner {
  readonly context: number;
  readonly user?: number | undefined;
}

/** Whether `owner` is this user or the context of this user. */
export function isOwnedBy({ context, user }: UserKey, owner: Owner): boolean {
  return context === owner.context && (owner.user === undefined || user === owner.user);
}

/** The topics that a client of a user receives, and the target of their notifications. Times are in ms since the epoch. */
export interface Subscription extends UserKey {
  /** A UUID that stays the same when the client registers again. */
  readonly id: string;
  /** The application that receives the notifications; for a webhook, the webhook's id. */
  readonly client: string;
  readonly transport: TransportName;
  /** Device token, webhook URI or channel URI. */
  readonly token: string;
  readonly topics: readonly string[];
  /** Absent if the subscription never expires. */
  readonly expiresAt?: number;
  readonly meta?: Readonly<Record<string, unknown>>;
  /** Whether other users may hold the same token; only a webhook's URI can be shared. */
  readonly isShared: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const clientSyntax = /^[A-Za-z0-9_.-]{1,64}$/;

/** Whether `value` can name a client: 1 to 64 of `[A-Za-z0-9_.-]`. */
export function isClientId(value: string): boolean {
  return clientSyntax.test(value);
}

/** Whether the subscription has expired at `now`. Nothing is sent to an expired subscription. */
export function isExpired(subscription: Pick<Subscription, 'expiresAt'>, now: number): boolean {
  return subscription.expiresAt !== undefined && subscription.expiresAt <= now;
}

/** The unexpired subscriptions whose patterns match `topic`, in the given order. */
export function subscriptionsWanting<S extends Pick<Subscription, 'topics' | 'expiresAt'>>(
  topic: string,
  subscriptions: readonly S[],
  now: number,
): S[] {
  return subscriptions.filter((each) => !isExpired(each, now) && matchingPattern(topic, each.topics) !== undefined);
}
