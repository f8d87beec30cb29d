import type { TokenRule } from '@pns/transport-contract';

/** Texts that programs write instead of a missing token, and errors of Google's libraries that apps have sent as tokens. */
const placeholder =
  /^(?:undefined|null|nil|none|nan|true|false|blacklisted|service_not_available|missing_instanceid_service|invalid_sender)$/i;

/** Ids, keys and tokens of other systems that consist of the characters of registration tokens. */
const foreign: readonly (readonly [form: RegExp, what: string])[] = [
  [/^(?:[0-9a-f]{2}){32,}$/i, 'a device token of APNs'],
  [/^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i, 'a UUID'],
  [/^\d+$/, 'the id of a sender'],
  [/^\d+:\d+:[a-z]+:[0-9a-f]+$/i, 'the id of an app'],
  [/^AIza[\w-]{35}$/, 'an API key'],
  [/^AAAA[\w-]{7}:/, 'a server key'],
];

/** The rule for registration tokens. Google documents no form, but all known tokens are base64url with colons. */
export const fcmToken: TokenRule = {
  isSecret: true,
  normalToken: (token) => token,
  tokenProblem: (token) => {
    const wanted = 'must be the registration token that FCM gave the app';
    if (!/^[_:-]*[A-Za-z0-9][A-Za-z0-9_:-]*$/.test(token) || placeholder.test(token)) {
      return `${wanted}, which is letters, digits, colons, underscores and dashes`;
    }
    const other = foreign.find(([form]) => form.test(token));
    return other === undefined ? undefined : `${wanted}, and not ${other[1]}`;
  },
};
