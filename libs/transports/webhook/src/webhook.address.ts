import { addressFault } from '@pns/http-client';
import type { WebhookOptions } from './webhook.options';

/**
 * The reason why nothing can be sent to the `uri` of a webhook: its host name has no address, or `allowedNetworks` allows none of
 * the addresses. Undefined if there is no fault or no `uri`. No request is sent.
 */
export async function webhookAddressFault({ uri, allowedNetworks }: WebhookOptions): Promise<string | undefined> {
  return uri === undefined ? undefined : addressFault(uri, allowedNetworks);
}
