import { hash } from 'node:crypto';
import type { ConfigCascade } from '@pns/config-cascade';
import { parkedNode, withTarget } from '@pns/delivery';
import type { SuppressedTarget } from '@pns/history';
import type { DueWindow } from '@pns/notifications';
import type { AddressedSubscription } from '@pns/persistence';
import type { SocketGroup } from '@pns/sockets';
import { subscriptionsWanting } from '@pns/subscriptions';
import { distinctId, hasConfiguredUri, type Delivery, type TransportName } from '@pns/transport-contract';

/** The window of a notification without its size. */
type Sent = Omit<DueWindow, 'size'>;

/** The subscriptions and open sockets of a user when a batch is dispatched. */
export interface Audience {
  readonly subscriptions: readonly AddressedSubscription[];
  readonly sockets: readonly SocketGroup[];
}

/** The rules that decide which targets in the audience receive a notification. */
export interface Rules {
  readonly cascade: Pick<ConfigCascade, 'isEnabled'>;
  /** The normal form of a token of the transport. */
  readonly normalToken: (transport: TransportName, token: string) => string;
  /** Whether sockets of the client subscribe to the topic. */
  readonly socketWants: (client: string, topic: string) => boolean;
  /** Called for each subscription or socket that wants the topic but must not receive the notification, or caused it. */
  readonly suppressed: (target: SuppressedTarget) => void;
  readonly now: number;
}

/**
 * Returns the deliveries of one due window: one for each subscription, and one for each client at each node with its sockets.
 * Each target wants the topic, may receive the notification, and did not cause it. Ids depend only on the notification and the
 * target, so the deliveries of a batch that is dispatched again have the same ids.
 */
export function deliveriesOf(window: Sent, { subscriptions, sockets }: Audience, rules: Rules): Delivery[] {
  const { notification } = window;
  const { topic, sourceToken, context, user } = notification;
  const mayReach = (transport: TransportName, client: string, isSource: boolean, subscription?: string) => {
    const isMeant = !isSource && rules.cascade.isEnabled(transport, { context, user, client, topic });
    if (!isMeant) rules.suppressed({ transport, client, subscription, isSource });
    return isMeant;
  };

  const isSource = (transport: TransportName, token: string): boolean => {
    if (sourceToken === undefined || token === sourceToken) return token === sourceToken;
    // Both tokens are converted, because a subscription may have been registered before tokens were stored in their normal form.
    return rules.normalToken(transport, token) === rules.normalToken(transport, sourceToken);
  };

  const toSubscriptions = subscriptionsWanting(topic, subscriptions, rules.now)
    .filter(({ id, transport, client, token }) => mayReach(transport, client, isSource(transport, token), id))
    .map(({ id, transport, client, token, email1, hasMeta }) => {
      const made = delivery(window, id, transport, client, token);
      made.subscriptionId = id;
      if (hasConfiguredUri(transport)) {
        if (email1 !== undefined) made.email1 = email1;
        if (hasMeta) made.hasMeta = true;
      }
      return made;
    });

  const toSockets = sockets
    .filter(({ client }) => rules.socketWants(client, topic))
    .filter(({ client, connections }) =>
      mayReach('websocket', client, !connections.some((connection) => connection !== sourceToken)),
    )
    .map(({ node, client, namedOnly, lookedAt }) => {
      const made = delivery(window, `${node}/${client}`, 'websocket', client, node);
      made.lookedAt = lookedAt;
      if (window.order !== undefined) made.order = window.order;
      if (node !== parkedNode) return made;
      return withTarget(made, { kind: 'parked', step: 'find', ...(namedOnly === true && { namedOnly }) });
    });

  return [...toSubscriptions, ...toSockets];
}

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/** Makes the delivery for one target. Optional fields are set one by one, because spread syntax would be much slower. */
function delivery(
  { notification, mode, count, dueAt }: Sent,
  target: string,
  transport: TransportName,
  client: string,
  token: string,
): Writable<Delivery> {
  const { id, context, user, topic, payload, sourceToken, priority, timestamp, expiresAt, producer } = notification;
  const made: Writable<Delivery> = {
    // Notifications to several users may have the same id of a producer, and the users may have sockets at the same node.
    // Context and user make the ids of such deliveries differ.
    id: hash('sha1', `${context} ${user} ${distinctId(notification)} ${timestamp} ${target}`, 'base64url'),
    notificationId: id,
    context,
    user,
    client,
    transport,
    token,
    topic,
    payload,
    priority,
    count: mode === 'collect' ? count : 1,
    timestamp,
    dueAt,
    attempt: 1,
  };
  if (sourceToken !== undefined) made.sourceToken = sourceToken;
  if (producer !== undefined) made.producer = producer;
  if (expiresAt !== undefined) made.expiresAt = expiresAt;
  if (notification.traceparent !== undefined) {
    made.traceparent = notification.traceparent;
    if (notification.tracestate !== undefined) made.tracestate = notification.tracestate;
  }
  if (mode === 'latest') {
    const { aggregationKey } = notification;
    made.collapseKey = aggregationKey === undefined ? topic : `${topic} ${aggregationKey}`;
  }
  return made;
}
