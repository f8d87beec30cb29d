import type { PushKeys } from '@pns/subscriptions';
import type { EntityManager } from 'typeorm';
import type { TokenKey } from './registration';
import type { Seal } from './seal';

/** Names the column of the keys, for the parameter `place` of `Seal`. */
export const keysPlace = 'subscriptions keys';

/** The keys of a registration. */
export interface GivenPushKeys extends PushKeys {
  /** Whether the client sent no VAPID key. Then the VAPID key of its earlier registration is used, if there is one. */
  readonly isKeyAssumed: boolean;
}

/** @throws PnsError as `Seal.open` does. */
export function openedKeys(sealed: Buffer, seal: Seal): PushKeys {
  return JSON.parse(seal.open(sealed, keysPlace)) as PushKeys;
}

/**
 * Returns the keys to store, encrypted. If the client sent no VAPID key, the stored keys of the same browser subscription are
 * used, even of another user, because a browser creates a subscription with one VAPID key. The token must be locked.
 */
export async function sealedKeys(
  manager: EntityManager,
  { transport, client, hash }: TokenKey,
  { isKeyAssumed, ...given }: GivenPushKeys,
  seal: Seal,
): Promise<Buffer> {
  const rows = isKeyAssumed
    ? await manager.query<{ keys: Buffer }[]>(
        `SELECT keys FROM subscriptions
         WHERE token_hash = $1 AND transport = $2 AND client = $3 AND keys IS NOT NULL ORDER BY created_at`,
        [hash, transport, client],
      )
    : [];
  const before = rows
    .map(({ keys }) => readable(keys, seal))
    .find((keys) => keys?.p256dh === given.p256dh && keys.auth === given.auth);
  return seal.seal(JSON.stringify(before ?? given), keysPlace);
}

function readable(sealed: Buffer, seal: Seal): PushKeys | undefined {
  try {
    return openedKeys(sealed, seal);
  } catch {
    return undefined;
  }
}
