import { webhookUriFault } from '@pns/subscriptions';
import { hasBrokenEscape, hasUsablePort, normalUri, type TokenRule } from '@pns/transport-contract';

/** The rule for URIs of receivers, independent of the options of a webhook. */
export const webhookToken: TokenRule = {
  isSecret: false,
  normalToken: normalUri,
  tokenProblem: (token) => {
    const isUri = webhookUriFault('none', '', token) === undefined && !hasBrokenEscape(token);
    if (isUri && hasLabels(new URL(token).hostname) && hasUsablePort(token)) return undefined;
    return 'must be an absolute http or https URI without credentials, fragment, spaces or dot segments';
  },
};

/** RFC 1035, 2.3.4. A dot at the end of a name does not begin an empty label. An IPv6 address is one label. */
function hasLabels(host: string): boolean {
  const name = host.replace(/\.$/, '');
  return name.length <= 253 && name.split('.').every((label) => label !== '' && label.length <= 63);
}
