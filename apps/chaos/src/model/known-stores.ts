import {
  FailedDeliveryStore,
  SubscriptionStore,
  type AddressedSubscription,
  type FailedDelivery,
} from '@pns/persistence';
import type { UserKey } from '@pns/subscriptions';

/** Replaces the store in Postgres, which the model does not have. Every user always has the same subscriptions. */
export class KnownSubscriptions extends SubscriptionStore {
  constructor(private readonly clients: readonly string[]) {
    super(undefined as never, undefined as never);
  }

  override subscriptionsOf(users: readonly UserKey[]): Promise<AddressedSubscription[]> {
    return Promise.resolve(users.flatMap((user) => this.clients.map((client) => subscription(user, client))));
  }

  override liveAmong(ids: readonly string[]): Promise<ReadonlySet<string>> {
    return Promise.resolve(new Set(ids));
  }

  override removeDead(): Promise<number> {
    return Promise.resolve(0);
  }
}

function subscription({ context, user }: UserKey, client: string): AddressedSubscription {
  const token = `https://${client}.example/${user}`;
  const id = `${client}-${user}`;
  return { id, context, user, client, transport: 'webhook', token, topics: ['*'], hasMeta: false };
}

/** Stores failed deliveries in memory, because the model has no Postgres. */
export class KnownFailures extends FailedDeliveryStore {
  readonly deliveries = new Map<string, FailedDelivery>();

  constructor() {
    super(undefined as never);
  }

  override record(batch: readonly FailedDelivery[]): Promise<void> {
    for (const failed of batch) this.deliveries.set(failed.delivery.id, failed);
    return Promise.resolve();
  }
}
