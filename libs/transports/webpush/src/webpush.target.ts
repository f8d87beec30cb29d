import { namedTarget, type NamedTarget } from '@pns/http-client';
import type { Outcome } from '@pns/transport-contract';
import type { WebpushOptions } from './webpush.options';
import { webpushToken } from './webpush.token';

/** Checks an endpoint against the options. Returns the target, or an outcome for this subscription if nothing may be sent. */
export function pushTarget(token: string, { httpsOnly }: Pick<WebpushOptions, 'httpsOnly'>): NamedTarget | Outcome {
  const problem = webpushToken.tokenProblem(token);
  if (problem !== undefined) return { kind: 'rejected', reason: `The endpoint ${problem}.` };
  const uri = new URL(webpushToken.normalToken(token));
  if (httpsOnly && uri.protocol !== 'https:')
    return {
      kind: 'misconfigured',
      reason: 'This client accepts https endpoints only (httpsOnly).',
      isTargetOnly: true,
    };
  return namedTarget(uri);
}
