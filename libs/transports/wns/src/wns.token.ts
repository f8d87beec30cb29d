import { hasBrokenEscape, normalUri, type TokenRule } from '@pns/transport-contract';
import { isChannelUri } from './wns.channel';

/** Only characters of RFC 3986, no encoded character in the host, and a path or a query that names the channel. */
const channel = /^https:\/\/[\w.:[\]-]+[/?]+[\w.~:@!$&'()*+,;=%-][\w.~:/?@!$&'()*+,;=%-]*$/i;

/** The rule for channel URIs. */
export const wnsToken: TokenRule = {
  isSecret: true,
  normalToken: normalUri,
  tokenProblem: (token, allowedHosts) =>
    isChannelUri(token, allowedHosts) && channel.test(token) && !hasBrokenEscape(token)
      ? undefined
      : 'must be the channel URI that Windows gave the app: https, on *.notify.windows.com or on one of allowedHosts',
};
