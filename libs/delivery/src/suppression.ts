import type { ConfigCascade } from '@pns/config-cascade';
import { isForOperator, type Delivery } from '@pns/transport-contract';
import type { SharedLookup } from './shared-lookup';

type Cascade = Pick<ConfigCascade, 'isEnabled' | 'scopesOf'>;

/** A delivery to a subscription, as opposed to open sockets. */
type Subscribed = Delivery & { readonly subscriptionId: string };

/**
 * Within this time after the window's due time, in ms, the worker does not check again whether the subscription exists, because a
 * change of a property may also take as long to have effect. An older delivery has waited for a worker, a retry or an operator.
 */
const recheckAfterMs = 1000;

/**
 * The reasons why some of `deliveries` must be suppressed. Makes at most one query for all deliveries that have waited, and none for
 * deliveries that were dispatched within the last second.
 *
 * @throws when the subscription or properties of a delivery cannot be read; then no delivery may be sent, and the job runs again.
 */
export async function reasonsToSuppress(
  deliveries: readonly Delivery[],
  cascade: Cascade,
  live: SharedLookup<ReadonlySet<string>>,
): Promise<ReadonlyMap<Delivery, string>> {
  const reasons = new Map<Delivery, string>();
  // This check comes before anything is awaited, because the cache may evict users that the caller has just loaded.
  for (const delivery of deliveries) {
    if (!isForOperator(delivery) && isOff(delivery, cascade))
      reasons.set(delivery, 'the transport is off for this user, client and topic');
  }
  const recheckBefore = Date.now() - recheckAfterMs;
  const waited = deliveries.filter(
    (delivery): delivery is Subscribed =>
      delivery.subscriptionId !== undefined && delivery.dueAt < recheckBefore && !reasons.has(delivery),
  );
  if (waited.length === 0) return reasons;
  const found = await live.of(waited.map(({ subscriptionId }) => subscriptionId));
  for (const delivery of waited) {
    if (!found.has(delivery.subscriptionId)) reasons.set(delivery, 'the subscription was deleted or has expired');
  }
  return reasons;
}

function isOff({ transport, context, user, client, topic }: Delivery, cascade: Cascade): boolean {
  if (cascade.isEnabled(transport, { context, user, client, topic })) return false;
  if (cascade.scopesOf({ context, user }) !== undefined) return true;
  throw new Error(
    `The properties of user ${user} of context ${context} are not known, because Postgres does not answer.`,
  );
}
