import { hasBrokenEscape, normalUri, type TokenRule } from '@pns/transport-contract';
import { isChannelUri } from './wns.channel';

/** The characters of RFC 3986, none of them encoded in the host, and something behind the host that names the channel. */
const channel = /^https:\/\/[\w.:[\]-]+[/?]+[\w.~:@!$&'()*+,;=%-][\w.~:/?@!$&'()*+,;=%-]*$/i;

/** Channel URIs. */
export const wnsToken: TokenRule = {
  isSecret: true,
  normalToken: normalUri,
  tokenProblem: (token, allowedHosts) =>
    isChannelUri(token, allowedHosts) && channel.test(token) && !hasBrokenEscape(token)
      ? undefined
      : 'must be the channel URI that Windows gave the app: https, on *.notify.windows.com or on one of allowedHosts',
};
