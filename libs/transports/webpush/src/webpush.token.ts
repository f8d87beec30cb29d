import { webhookUriFault } from '@pns/subscriptions';
import { hasBrokenEscape, hasUsablePort, hasValidLabels, normalUri, type TokenRule } from '@pns/transport-contract';

/**
 * The rule for endpoints of push services. An endpoint is a secret: everybody who knows it and the browser's keys can send to
 * the browser. Any host may be a push service, because UnifiedPush users choose theirs.
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
