import { hasBrokenEscape, normalUri, type TokenRule } from '@pns/transport-contract';
import { isChannelUri } from './wns.channel';

/** Channel URIs. */
export const wnsToken: TokenRule = {
  isSecret: true,
  normalToken: normalUri,
  tokenProblem: (token, allowedHosts) =>
    isChannelUri(token, allowedHosts) && !hasBrokenEscape(token)
      ? undefined
      : 'must be the channel URI that Windows gave the app: https, on *.notify.windows.com or on one of allowedHosts',
};
