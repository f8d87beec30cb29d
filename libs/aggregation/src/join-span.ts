import type { Notification } from '@pns/notifications';
import { messagingSpan, traces, type OpenSpan } from '@pns/runtime';
import { isSampled } from '@pns/transport-contract';

/** Starts the span of the join of a notification that has `postedBy`. Returns undefined if the span is not recorded. */
export function joinSpan(notification: Notification): OpenSpan | undefined {
  const step = { operation: 'join', type: 'send', destination: 'windows', messageId: notification.id } as const;
  const span = traces()?.start({
    kind: 'producer',
    parent: notification.postedBy,
    ...messagingSpan(step, notification),
  });
  return span !== undefined && isSampled(span.trace) ? span : undefined;
}
