import { isIP } from 'node:net';
import type { GuardedTarget } from '@pns/http-client';
import type { Outcome } from '@pns/transport-contract';
import type { WebpushOptions } from './webpush.options';
import { webpushToken } from './webpush.token';

/** The target of a delivery. */
export interface PushTarget extends GuardedTarget {
  /** The host if it is a name; absent if it is an address. */
  readonly name?: string;
}

/** Checks an endpoint against the current options. Returns an outcome of this subscription only if nothing may be sent. */
export function pushTarget(token: string, { httpsOnly }: Pick<WebpushOptions, 'httpsOnly'>): PushTarget | Outcome {
  const problem = webpushToken.tokenProblem(token);
  if (problem !== undefined) return { kind: 'rejected', reason: `The endpoint ${problem}.` };
  const { protocol, origin, hostname, pathname, search } = new URL(webpushToken.normalToken(token));
  if (httpsOnly && protocol !== 'https:')
    return {
      kind: 'misconfigured',
      reason: 'This client accepts https endpoints only (httpsOnly).',
      isTargetOnly: true,
    };
  return { origin, path: pathname + search, ...(isName(hostname) && { name: hostname }) };
}

/** The parser writes every spelling of an IPv4 address in its dotted form, and IPv6 in brackets. */
function isName(hostname: string): boolean {
  return isIP(hostname) === 0 && !hostname.startsWith('[');
}
