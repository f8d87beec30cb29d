import type { TokenRule } from '@pns/transport-contract';

/** Texts that programs write instead of a missing token. */
const placeholder = /^(?:undefined|null|nil|none|nan|true|false)$/i;

/** Ids and tokens of other services that consist of the same characters. */
const foreign: readonly (readonly [form: RegExp, what: string])[] = [
  [/^[0-9a-f]{64}$/i, 'a device token of APNs'],
  [/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'a UUID'],
];

/** Google documents no form of registration tokens. All known ones are base64url with colons. */
export const fcmToken: TokenRule = {
  isSecret: true,
  normalToken: (token) => token,
  tokenProblem: (token) => {
    const wanted = 'must be the registration token that FCM gave the app';
    if (!/^[A-Za-z0-9_:-]+$/.test(token) || placeholder.test(token)) {
      return `${wanted}, which is letters, digits, colons, underscores and dashes`;
    }
    const other = foreign.find(([form]) => form.test(token));
    return other === undefined ? undefined : `${wanted}, and not ${other[1]}`;
  },
};
