import type { VapidKeys } from './webpush.keys';
import type { WebpushOptions } from './webpush.options';

type KeyOptions = Pick<WebpushOptions, 'publicKey' | 'privateKey' | 'previousKeys'>;

/** The pair of keys for new subscriptions of a client: its own pair, or the pair of the server. */
export function currentKeys({ publicKey, privateKey }: KeyOptions, server: VapidKeys): VapidKeys {
  return publicKey === undefined || privateKey === undefined ? server : { publicKey, privateKey };
}

/**
 * The pair with the public key with which a browser subscribed. Push services accept no other key for the subscription.
 * Undefined if the client no longer has this pair. The server's pair stays valid when a client gets its own pair.
 */
export function vapidKeysFor(publicKey: string, options: KeyOptions, server: VapidKeys): VapidKeys | undefined {
  const pairs = [currentKeys(options, server), ...options.previousKeys, server];
  return pairs.find((pair) => pair.publicKey === publicKey);
}
