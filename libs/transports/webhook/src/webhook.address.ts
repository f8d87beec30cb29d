import { addressFault } from '@pns/http-client';
import type { WebhookOptions } from './webhook.options';

/**
 * Why nothing can be sent to the `uri` of a webhook: its host name has no address, or `allowedNetworks` allows none. Undefined if
 * there is no fault or no `uri`. Sends nothing.
 */
export async function webhookAddressFault({ uri, allowedNetworks }: WebhookOptions): Promise<string | undefined> {
  return uri === undefined ? undefined : addressFault(uri, allowedNetworks);
}
