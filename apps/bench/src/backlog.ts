import { randomUUID } from 'node:crypto';
import { enqueueDeliveries, groupedByRoute } from '@pns/delivery';
import { migrate } from '@pns/persistence';
import { Queues } from '@pns/queue';
import { connectRedis, KeySpace } from '@pns/redis';
import type { Delivery, TransportName } from '@pns/transport-contract';
import { Client } from 'pg';
import { mailNotification } from './notifications';

/** The number of key groups: the default of the apps. */
export const shards = 8;

/** The number of windows that a dispatcher takes at once; their deliveries are grouped by endpoint. */
const windowsPerBatch = 500;

/** The URLs of the Redis with the queues and of the Postgres with the subscriptions. */
export interface Places {
  readonly redisUrl: string;
  readonly databaseUrl: string;
}

/** The target of a delivery. Without a `subscriptionId`, a subscription is added for it. */
type BacklogTarget = Pick<Delivery, 'client' | 'token'> & { readonly subscriptionId?: string };

/** Fills a transport's queues as busy dispatchers do, with `count` deliveries of different notifications. */
export async function fillQueues(
  { redisUrl, databaseUrl }: Places,
  count: number,
  transport: TransportName,
  targetOf: (index: number) => BacklogTarget,
): Promise<void> {
  const queues = new Queues(connectRedis(redisUrl), new KeySpace(shards));
  const ids: string[] = [];
  const perShard = queues.keys.all().map((): Delivery[] => []);
  for (let index = 0; index < count; index++) {
    const target = targetOf(index);
    const delivery = { ...deliveryOf(index), transport, ...target };
    if (target.subscriptionId === undefined) ids.push(delivery.subscriptionId);
    perShard[queues.keys.shardOf(delivery.context, delivery.user)]?.push(delivery);
  }
  await addSubscriptions(databaseUrl, ids, transport);
  for (const deliveries of perShard) {
    while (deliveries.length > 0) {
      await enqueueDeliveries(queues, groupedByRoute(deliveries.splice(0, windowsPerBatch), queues.keys));
    }
  }
  await queues.onApplicationShutdown();
}

/**
 * Adds subscriptions with these ids. Their content does not matter, because workers check only that the subscription of
 * a waiting delivery exists.
 */
export async function addSubscriptions(url: string, ids: readonly string[], transport: TransportName): Promise<void> {
  await migrate(url);
  const postgres = new Client({ connectionString: url });
  await postgres.connect();
  try {
    await postgres.query(
      `INSERT INTO subscriptions (id, context_id, user_id, client, transport, token, token_hash, topics)
       SELECT id, 1, n, 'bench', $2, id::text, sha256(id::text::bytea), '{*}'
       FROM unnest($1::uuid[]) WITH ORDINALITY AS given (id, n)`,
      [ids, transport],
    );
    await postgres.query('VACUUM (ANALYZE) subscriptions');
  } finally {
    await postgres.end();
  }
}

/** Makes a delivery to a new subscription, without client, token and transport. */
export function deliveryOf(
  index: number,
): Omit<Delivery, 'client' | 'token' | 'transport' | 'subscriptionId'> & { readonly subscriptionId: string } {
  const now = Date.now();
  return {
    ...mailNotification(index),
    id: `delivery-${index}`,
    notificationId: `notification-${index}`,
    subscriptionId: randomUUID(),
    priority: 'high',
    count: 1,
    timestamp: now,
    dueAt: now,
    attempt: 1,
  };
}
