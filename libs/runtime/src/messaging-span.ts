import type { NewSpan, SpanAttributes } from './traces';

/** A step of a notification, in the words of OpenTelemetry's semantic conventions for messaging. */
interface MessagingStep {
  readonly operation: 'join' | 'dispatch' | 'process' | 'send';
  readonly type: 'send' | 'process';
  /** The queue, or `windows`. There must be few values, because the value is a part of the span's name. */
  readonly destination: string;
  /** The id of the notification or delivery. */
  readonly messageId: string;
}

/** The notification that a step belongs to. */
interface Subject {
  readonly context: number;
  readonly user: number;
  readonly topic: string;
}

/** The name and the attributes of a span for a step. Tokens and payloads are not among them. */
export function messagingSpan(
  { operation, type, destination, messageId }: MessagingStep,
  { context, user, topic }: Subject,
  more: SpanAttributes = {},
): Pick<NewSpan, 'name' | 'attributes'> {
  return {
    name: `${operation} ${destination}`,
    attributes: {
      'messaging.system': 'pns',
      'messaging.operation.name': operation,
      'messaging.operation.type': type,
      'messaging.destination.name': destination,
      'messaging.message.id': messageId,
      'pns.context': context,
      'pns.user': user,
      'pns.topic': topic,
      ...more,
    },
  };
}
