import type { TokenRule } from '@pns/transport-contract';

/** Whether `token` can be a device token. According to Apple the length may change, so only the characters are checked. */
export function isDeviceToken(token: string): boolean {
  return /^(?:[0-9a-f]{2})+$/i.test(token);
}

/** The rule for device tokens: bytes as hexadecimal digits, which Apple accepts in either case. */
export const apnsToken: TokenRule = {
  isSecret: true,
  normalToken: (token) => (isDeviceToken(token) ? token.toLowerCase() : token),
  tokenProblem: (token) =>
    isDeviceToken(token)
      ? undefined
      : 'must be the device token of APNs in hexadecimal, two digits for each byte: neither in base64, nor its description, nor a token of FCM',
};
