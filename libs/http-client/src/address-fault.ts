import { hostRule, networks } from './address-rule';
import { BlockedAddressError, reachableOf } from './guarded-client';
import { type LookUp, NameError, nameServerLookUp } from './name-lookup';

/**
 * Returns why a `GuardedClient` cannot connect to the host of `url`: the look-up of its name fails, or no address is allowed.
 * Returns undefined otherwise. Sends nothing to the host.
 */
export async function addressFault(
  url: string,
  allowedNetworks: readonly string[],
  lookUp: LookUp = nameServerLookUp(),
): Promise<string | undefined> {
  const { hostname } = new URL(url);
  const allowed = networks(allowedNetworks);
  try {
    const rule = hostRule(hostname, allowed);
    if (rule !== undefined) throw new BlockedAddressError(rule);
    if (!/^[\d.]+$|^\[/.test(hostname)) reachableOf((await lookUp(hostname)).addresses, allowed);
    return undefined;
  } catch (error) {
    if (error instanceof BlockedAddressError || error instanceof NameError) return error.message;
    throw error;
  }
}
