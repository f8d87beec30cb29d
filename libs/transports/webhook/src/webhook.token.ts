import { webhookUriFault } from '@pns/subscriptions';
import { hasBrokenEscape, hasUsablePort, hasValidLabels, normalUri, type TokenRule } from '@pns/transport-contract';

/** The rule for URIs of receivers, independent of the options of a webhook. */
export const webhookToken: TokenRule = {
  isSecret: false,
  normalToken: normalUri,
  tokenProblem: (token) => {
    const isUri = webhookUriFault('none', '', token) === undefined && !hasBrokenEscape(token);
    if (isUri && hasValidLabels(new URL(token).hostname) && hasUsablePort(token)) return undefined;
    return 'must be an absolute http or https URI without credentials, fragment, spaces or dot segments';
  },
};
