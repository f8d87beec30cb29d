import { messagingSpan, traces, type OpenSpan } from '@pns/runtime';
import { hasConfiguredUri, hasPushKeys, type Delivery, type Outcome } from '@pns/transport-contract';

/**
 * Makes an attempt of a delivery with `send`; with `unsent`, nothing is sent. If the delivery has a trace, spans are recorded,
 * and `send` gets the trace context of the request's span. A transport may pass it on to a far side in the operator's system.
 */
export async function tracedAttempt(
  delivery: Delivery,
  unsent: Outcome | undefined,
  send: (delivery: Delivery) => Promise<Outcome>,
): Promise<Outcome> {
  const { traceparent, tracestate, transport, client, attempt, notificationId } = delivery;
  const recorder = traces();
  if (recorder === undefined || traceparent === undefined) return unsent ?? send(delivery);
  const own = {
    'messaging.message.conversation_id': notificationId,
    'pns.client': client,
    'pns.attempt': attempt,
  };
  const step = { destination: transport, messageId: delivery.id } as const;
  const processing = recorder.start({
    kind: 'consumer',
    parent: { traceparent, tracestate },
    ...messagingSpan({ ...step, operation: 'process', type: 'process' }, delivery, own),
  });
  if (unsent !== undefined) {
    end([processing], unsent);
    return unsent;
  }
  const sending = recorder.start({
    kind: 'client',
    parent: processing.trace,
    ...messagingSpan({ ...step, operation: 'send', type: 'send' }, delivery, { ...own, ...farSideOf(delivery) }),
  });
  try {
    const outcome = await send({ ...delivery, ...sending.trace });
    end([sending, processing], outcome);
    return outcome;
  } catch (error) {
    for (const span of [sending, processing]) span.end({ 'error.type': 'aborted' }, 'the attempt was aborted');
    throw error;
  }
}

function end(spans: readonly OpenSpan[], outcome: Outcome): void {
  const reason = 'reason' in outcome ? outcome.reason : undefined;
  const isFault = reason !== undefined && outcome.kind !== 'suppressed' && outcome.kind !== 'moved';
  const attributes = {
    'pns.outcome': outcome.kind,
    'pns.outcome.reason': reason,
    'error.type': isFault ? outcome.kind : undefined,
  };
  for (const span of spans) span.end(attributes, isFault ? reason : undefined);
}

/** Returns only the host of the endpoint's URI, because the path may contain a secret. */
function farSideOf({ transport, token }: Delivery): { 'server.address'?: string } {
  const isUri = hasConfiguredUri(transport) || hasPushKeys(transport);
  return isUri && URL.canParse(token) ? { 'server.address': new URL(token).hostname } : {};
}
