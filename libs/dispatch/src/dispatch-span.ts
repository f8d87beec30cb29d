import type { DueWindow } from '@pns/notifications';
import { messagingSpan, traces, type OpenSpan } from '@pns/runtime';
import { isSampled } from '@pns/transport-contract';

/**
 * Starts the span of the dispatch of a window; returns undefined if the window is not traced. The span has links to the joined
 * notifications. The trace of each joined notification gets a span with a link to this span. `windows` is the number of windows
 * in the batch.
 */
export function dispatchSpan({ notification, count, dueAt }: DueWindow, windows: number): OpenSpan | undefined {
  const recorder = traces();
  const { traceparent, tracestate, joined = [] } = notification;
  if (recorder === undefined || traceparent === undefined) return undefined;
  const step = { operation: 'dispatch', type: 'process', destination: 'windows', messageId: notification.id } as const;
  const span = recorder.start({
    kind: 'consumer',
    parent: { traceparent, tracestate },
    links: joined,
    ...messagingSpan(step, notification, {
      'messaging.batch.message_count': windows,
      'pns.window.count': count,
      'pns.window.waited_ms': dueAt - notification.timestamp,
    }),
  });
  if (!isSampled(span.trace)) return undefined;
  for (const parent of joined) {
    const intoThis = { kind: 'consumer', parent: { traceparent: parent }, links: [span.trace.traceparent] } as const;
    recorder.start({ ...intoThis, ...messagingSpan(step, notification, { 'pns.joined_into': notification.id }) }).end();
  }
  return span;
}

/** Returns the window with the trace context of `span`. The deliveries of the window get this trace context. */
export function withSpan(window: DueWindow, span: OpenSpan): DueWindow {
  return { ...window, notification: { ...window.notification, ...span.trace } };
}

/** Runs `step`, and then ends the spans. */
export async function endingSpans<Result>(spans: readonly OpenSpan[], step: () => Promise<Result>): Promise<Result> {
  try {
    const result = await step();
    for (const span of spans) span.end();
    return result;
  } catch (error) {
    for (const span of spans) span.end({ 'error.type': (error as Error).name }, 'the deliveries were not enqueued');
    throw error;
  }
}
