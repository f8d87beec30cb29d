import type { TokenRule } from '@pns/transport-contract';

/** Apple: the length of device tokens may change, so only their characters are checked. */
export function isDeviceToken(token: string): boolean {
  return /^(?:[0-9a-f]{2})+$/i.test(token);
}

/** Device tokens are bytes. Apple accepts their hexadecimal digits in either case. */
export const apnsToken: TokenRule = {
  isSecret: true,
  normalToken: (token) => (isDeviceToken(token) ? token.toLowerCase() : token),
  tokenProblem: (token) =>
    isDeviceToken(token)
      ? undefined
      : 'must be the device token of APNs in hexadecimal, two digits for each byte: neither in base64, nor its description, nor a token of FCM',
};
