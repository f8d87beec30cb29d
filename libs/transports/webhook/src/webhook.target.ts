import { namedTarget, type NamedTarget } from '@pns/http-client';
import { isUriWithin, webhookUriFault } from '@pns/subscriptions';
import { normalUri, type Outcome } from '@pns/transport-contract';
import type { WebhookOptions } from './webhook.options';

export interface Target extends NamedTarget {
  /** Whether the target is the configured URI or below it. Secrets and signatures are sent only to trusted targets. */
  readonly isTrusted: boolean;
}

/**
 * Checks a subscription's URI against the current options and returns the target. If nothing may be sent to the URI, returns an
 * outcome that concerns only this subscription of the webhook.
 */
export function webhookTarget(token: string, options: WebhookOptions): Target | Outcome {
  const { uri: configured = '', uriValidationMode, httpsOnly } = options;
  const syntaxFault = webhookUriFault('none', '', token);
  if (syntaxFault !== undefined) return { kind: 'rejected', reason: syntaxFault };
  if (httpsOnly && !/^https:/i.test(token)) {
    return { kind: 'misconfigured', reason: 'This webhook accepts https URIs only (httpsOnly).', isTargetOnly: true };
  }
  // The configured URI is in normal form, but the URI of an old subscription may not be.
  const uri = normalUri(token);
  const ruleFault = webhookUriFault(uriValidationMode, configured, uri);
  if (ruleFault !== undefined) return { kind: 'misconfigured', reason: ruleFault, isTargetOnly: true };
  return { ...namedTarget(new URL(uri)), isTrusted: isUriWithin(configured, uri) };
}
