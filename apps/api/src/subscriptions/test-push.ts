import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { enqueueDeliveries, routeOf } from '@pns/delivery';
import { type AddressedSubscription, SubscriptionStore } from '@pns/persistence';
import { Queues } from '@pns/queue';
import { subscriberOf } from '@pns/redis';
import type { Subscription } from '@pns/subscriptions';
import { hasConfiguredUri, type Delivery, type Outcome } from '@pns/transport-contract';
import { RequestError } from '../http/request-error';

/** How long a test may take, in ms. After this time the push is not sent. */
export const testTimeoutMs = 15_000;

/** Timeout of the Redis command that subscribes to the outcome, in ms. */
const subscribeTimeoutMs = 5000;

export const testTopic = 'pns:test';

/** The possible results of a test push. */
export const testOutcomes = [
  'delivered',
  'retry',
  'gone',
  'rejected',
  'misconfigured',
  'exhausted',
  'expired',
  'moved',
  'suppressed',
] as const;

/** The result of a test push, and the id of its delivery. */
interface TestResult {
  readonly delivery: string;
  readonly outcome: (typeof testOutcomes)[number];
  readonly reason?: string;
  readonly providerId?: string;
}

/**
 * Sends test pushes through the queue and worker of their transport, like every other push. A test checks the target, so the
 * topics of the subscription do not matter, but the cascade must allow the transport for the user.
 */
@Injectable()
export class TestPush {
  constructor(
    private readonly queues: Queues,
    private readonly subscriptions: SubscriptionStore,
    private readonly cascade: ConfigCascade,
  ) {}

  /** Sends a test push and returns its outcome. @throws RequestError `TEST_UNANSWERED` when no worker reports it in time. */
  async send({ id, context, user }: Subscription): Promise<TestResult> {
    const delivery = randomUUID();
    const addressed = (await this.subscriptions.subscriptionsOf([{ context, user }])).find((each) => each.id === id);
    if (addressed === undefined) return { delivery, outcome: 'expired', reason: 'The subscription has expired.' };
    await this.cascade.load([{ context, user }]);
    if (!this.cascade.isEnabled(addressed.transport, { context, user, client: addressed.client, topic: testTopic })) {
      return {
        delivery,
        outcome: 'suppressed',
        reason: `${addressed.transport} is switched off for this client of this user.`,
      };
    }
    const replyTo = this.queues.keys.global(`test:${delivery}`);
    const { kind, ...details } = await this.outcomeOf(replyTo, testDelivery(addressed, delivery, replyTo));
    return { delivery, outcome: kind, ...('reason' in details ? { reason: details.reason } : details) };
  }

  private async outcomeOf(replyTo: string, delivery: Delivery): Promise<Outcome> {
    const subscriber = subscriberOf(this.queues.redis, replyTo, {
      maxRetriesPerRequest: 1,
      commandTimeout: subscribeTimeoutMs,
    });
    try {
      await subscriber.listen();
      const reply = once(subscriber, 'message', { signal: AbortSignal.timeout(testTimeoutMs) });
      // A separate endpoint, so that a backlog of the target does not delay the test.
      const route = { ...routeOf(delivery, this.queues.keys), endpoint: `test ${delivery.id}` };
      const [, [, outcome]] = await Promise.all([
        enqueueDeliveries(this.queues, [{ ...route, deliveries: [delivery] }]),
        reply as Promise<[string, string]>,
      ]);
      return JSON.parse(outcome) as Outcome;
    } catch (error) {
      if ((error as { name?: string }).name !== 'AbortError') throw error;
      const sentence = `No worker for ${delivery.transport} reported the outcome within ${testTimeoutMs} ms. Check that one is running.`;
      throw new RequestError('TEST_UNANSWERED', sentence);
    } finally {
      subscriber.disconnect();
    }
  }
}

function testDelivery(subscription: AddressedSubscription, id: string, replyTo: string): Delivery {
  const { context, user, client, transport, token, email1, hasMeta } = subscription;
  const now = Date.now();
  return {
    ...{ id, notificationId: id, subscriptionId: subscription.id, context, user, client, transport, token, replyTo },
    ...(hasConfiguredUri(transport) && email1 !== undefined ? { email1 } : {}),
    ...(hasConfiguredUri(transport) && hasMeta ? { hasMeta } : {}),
    ...{ topic: testTopic, payload: { message: 'This is a test.' }, priority: 'high', count: 1, attempt: 1 },
    ...{ timestamp: now, dueAt: now, expiresAt: now + testTimeoutMs },
  };
}
