import { type Outcome, retryAfterMs } from '@pns/transport-contract';

/** The statuses whose outcome differs from that of their class. */
const special: Readonly<Record<number, 'gone' | 'retry' | 'misconfigured'>> = {
  // The original retires the subscription after 403, 404 and 405.
  403: 'gone',
  404: 'gone',
  405: 'gone',
  // Standard Webhooks: no further requests must be sent to the receiver.
  410: 'gone',
  // RFC 9110 and 8470: the same request may be accepted later, or over another connection.
  408: 'retry',
  421: 'retry',
  425: 'retry',
  429: 'retry',
  // Our credentials are missing or wrong for this URI; other URIs of the webhook may accept them.
  401: 'misconfigured',
  407: 'misconfigured',
};

/** The outcome for an endpoint's answer. `retryAfter` is the header of that name, `now` in ms since the epoch. */
export function webhookOutcome(status: number, retryAfter: string | undefined, now: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const reason = `The endpoint answered ${status}.`;
  const kind = special[status] ?? kindOfClass(status);
  if (kind === 'retry') return retryOutcome(reason, retryAfterMs(retryAfter, now));
  if (status >= 300 && status < 400) {
    return { kind, reason: `The endpoint answered ${status}, and redirects are not followed: register its new URI.` };
  }
  return kind === 'misconfigured' ? { kind, reason, isTargetOnly: true } : { kind, reason };
}

/** Whether an answer counts as a failure of the endpoint and not only of this delivery. */
export function isEndpointFailure(status: number): boolean {
  return status >= 500;
}

/** Statuses with which the receiver refuses the credentials of the request, or throttles their sender. */
const aboutCaller: ReadonlySet<number> = new Set([401, 407, 429]);

/**
 * Whether an answer concerns only the credentials of the request. Requests with other credentials may succeed at the same URI.
 */
export function isAboutCaller(status: number): boolean {
  return aboutCaller.has(status);
}

/**
 * The outcome for the class of a status. A final 1xx and a number above 599 come from a faulty proxy, so the delivery is retried.
 */
function kindOfClass(status: number): 'retry' | 'rejected' {
  return status < 200 || status >= 500 ? 'retry' : 'rejected';
}

function retryOutcome(reason: string, afterMs: number | undefined): Outcome {
  return afterMs === undefined ? { kind: 'retry', reason } : { kind: 'retry', reason, afterMs };
}
