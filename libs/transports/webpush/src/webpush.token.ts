import { webhookUriFault } from '@pns/subscriptions';
import { hasBrokenEscape, hasUsablePort, hasValidLabels, normalUri, type TokenRule } from '@pns/transport-contract';

/**
 * Endpoints of push services. They are secrets of a browser: with its keys, everybody who knows one can send to it. Any
 * host may be one, because UnifiedPush users choose their push service.
 */
export const webpushToken: TokenRule = {
  isSecret: true,
  normalToken: normalUri,
  tokenProblem: (token) => {
    const isUri = webhookUriFault('none', '', token) === undefined && !hasBrokenEscape(token);
    if (isUri && hasValidLabels(new URL(token).hostname) && hasUsablePort(token)) return undefined;
    return 'must be the endpoint of a push subscription: an absolute http or https URI without credentials and fragment';
  },
};
