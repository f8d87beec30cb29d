import { isIP } from 'node:net';
import { isUriWithin, webhookUriFault } from '@pns/subscriptions';
import type { Outcome } from '@pns/transport-contract';
import type { WebhookOptions } from './webhook.options';

/** Where a delivery goes. */
export interface Target {
  readonly origin: string;
  /** With the query. */
  readonly path: string;
  /** The host where it is a name; absent where it is written as an address. */
  readonly name?: string;
  /** Whether it is the configured URI or lies below it: only then it may learn a secret or get a signature. */
  readonly isTrusted: boolean;
}

/**
 * Judges a subscription's URI by the options as they are now; the outcome, where nothing may be sent to it. What does not
 * fit them any more is one subscription's trouble: the webhook's others are sent to.
 */
export function webhookTarget(token: string, options: WebhookOptions): Target | Outcome {
  const { uri: configured = '', uriValidationMode, httpsOnly } = options;
  const syntaxFault = webhookUriFault('none', '', token);
  if (syntaxFault !== undefined) return { kind: 'rejected', reason: syntaxFault };
  if (httpsOnly && !/^https:/i.test(token)) {
    return { kind: 'misconfigured', reason: 'This webhook takes https URIs only (httpsOnly).', isTargetOnly: true };
  }
  const ruleFault = webhookUriFault(uriValidationMode, configured, token);
  if (ruleFault !== undefined) return { kind: 'misconfigured', reason: ruleFault, isTargetOnly: true };
  const { origin, hostname, pathname, search } = new URL(token);
  const isTrusted = isUriWithin(configured, token);
  return { origin, path: pathname + search, ...(isName(hostname) && { name: hostname }), isTrusted };
}

/** The parser has written every spelling of an IPv4 address in its dotted form, and IPv6 in brackets. */
function isName(hostname: string): boolean {
  return isIP(hostname) === 0 && !hostname.startsWith('[');
}
