import { webhookUriFault } from '@pns/subscriptions';
import { hasBrokenEscape, hasUsablePort, normalUri, type TokenRule } from '@pns/transport-contract';

/** URIs of receivers, whatever a webhook says about which of them it takes. */
export const webhookToken: TokenRule = {
  isSecret: false,
  normalToken: normalUri,
  tokenProblem: (token) => {
    const isUri = webhookUriFault('none', '', token) === undefined && !hasBrokenEscape(token);
    if (isUri && hasLabels(new URL(token).hostname) && hasUsablePort(token)) return undefined;
    return 'must be an absolute http or https URI without credentials, fragment, spaces or dot segments';
  },
};

/** RFC 1035, 2.3.4. A dot at the end of a name is no empty label. An IPv6 address is one. */
function hasLabels(host: string): boolean {
  const name = host.replace(/\.$/, '');
  return name.length <= 253 && name.split('.').every((label) => label !== '' && label.length <= 63);
}
