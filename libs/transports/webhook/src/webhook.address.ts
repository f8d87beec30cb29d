import { addressFault } from '@pns/http-client';
import type { WebhookOptions } from './webhook.options';

/**
 * Why nothing can be sent to the `uri` of a webhook: its name has no address, or `allowedNetworks` does not allow one. Undefined if there
 * is no fault or no `uri`. Sends nothing.
 */
export async function webhookAddressFault({ uri, allowedNetworks }: WebhookOptions): Promise<string | undefined> {
  return uri === undefined ? undefined : addressFault(uri, allowedNetworks);
}
