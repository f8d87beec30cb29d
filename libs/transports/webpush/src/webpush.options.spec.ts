import { newVapidKeys } from './webpush.keys';
import { webpushOptions, webpushOptionsFileFor } from './webpush.options';

const [one, other] = [newVapidKeys(), newVapidKeys()];

const faultOf = (entry: object): string => {
  const [issue] = webpushOptions.safeParse(entry).error?.issues ?? [];
  return issue === undefined ? '' : `${issue.path.join('.')} ${issue.message}`;
};

it('has a default for every option', () => {
  expect(webpushOptions.parse({})).toEqual({
    ...{ enabled: true, previousKeys: [], declarative: true, allowedNetworks: [], httpsOnly: true },
  });
});

it('accepts keys with padding, and in the characters of base64', () => {
  const spelled = Object.fromEntries(
    Object.entries<string>({ ...one }).map(([name, key]) => [name, Buffer.from(key, 'base64url').toString('base64')]),
  );
  expect(webpushOptions.parse(spelled)).toMatchObject(one);
  expect(webpushOptions.parse({ previousKeys: [spelled] })).toMatchObject({ previousKeys: [one] });
});

it.each<[string, object, RegExp]>([
  ['a public key alone', { publicKey: one.publicKey }, /^privateKey is missing; publicKey needs it/],
  ['a private key alone', { privateKey: one.privateKey }, /^publicKey is missing; privateKey needs it/],
  ['keys of two pairs', { ...one, privateKey: other.privateKey }, /^privateKey does not belong to publicKey/],
  ['an earlier pair of two', { previousKeys: [{ ...one, privateKey: other.privateKey }] }, /does not belong/],
  ['a private key of 0', { ...one, privateKey: 'A'.repeat(43) }, /does not belong/],
  ['a short public key', { ...one, publicKey: one.publicKey.slice(0, 86) }, /^publicKey must be an uncompressed point/],
  ['a public key as PEM', { ...one, publicKey: '-----BEGIN PUBLIC KEY-----' }, /^publicKey must be/],
  ['a number as subject', { subject: 5 }, /^subject must be a text/],
  ['an address as subject', { subject: 'ops@example.com' }, /^subject must be a mailto: or https: URI/],
  ['an unknown urgency', { urgency: 'urgent' }, /^urgency must be one of very-low, low, normal, high/],
  ['a path as origin', { origins: ['https://a.example/b'] }, /^origins.0 must be the origin/],
  ['a slash behind an origin', { origins: ['https://a.example/'] }, /must be the origin/],
  ['an unknown field', { token: 'x' }, /token is not a field of a Web Push client/],
])('refuses %s', (_, entry, sentence) => {
  expect(faultOf(entry)).toMatch(sentence);
  for (const key of [one.privateKey, other.privateKey]) expect(faultOf(entry)).not.toContain(key);
});

it('reads an option file by clients', () => {
  const file = webpushOptionsFileFor('production', () => Buffer.from(''));
  expect(file.parse({ web: one, other: {} })).toMatchObject({ web: one, other: { declarative: true } });
  expect(file.safeParse({ 'a b': {} }).success).toBe(false);
});
