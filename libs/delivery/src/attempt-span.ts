import { messagingSpan, traces, type OpenSpan } from '@pns/runtime';
import { hasConfiguredUri, hasPushKeys, type Delivery, type Outcome } from '@pns/transport-contract';

/**
 * Runs an attempt of a delivery with a trace. While traces are recorded, `send` gets the delivery with the context of the span of
 * its request. A transport may pass this context on to a far side that is part of the operator's system.
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

/** The host of an endpoint. Its path may contain a secret. */
function farSideOf({ transport, token }: Delivery): { 'server.address'?: string } {
  const isUri = hasConfiguredUri(transport) || hasPushKeys(transport);
  return isUri && URL.canParse(token) ? { 'server.address': new URL(token).hostname } : {};
}
