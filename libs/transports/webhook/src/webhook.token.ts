import { webhookUriFault } from '@pns/subscriptions';
import { hasBrokenEscape, normalUri, type TokenRule } from '@pns/transport-contract';

/** URIs of receivers, whatever a webhook says about which of them it takes. */
export const webhookToken: TokenRule = {
  isSecret: false,
  normalToken: normalUri,
  tokenProblem: (token) => {
    const isUri = webhookUriFault('none', '', token) === undefined && !hasBrokenEscape(token);
    if (isUri && hasLabels(new URL(token).hostname)) return undefined;
    return 'must be an absolute http or https URI without credentials, fragment, spaces or dot segments';
  },
};

/** A dot at the end of a name is no empty label. */
function hasLabels(host: string): boolean {
  return host
    .replace(/\.$/, '')
    .split('.')
    .every((label) => label !== '');
}
