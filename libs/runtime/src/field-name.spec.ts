import { randomBytes } from 'node:crypto';
import { shownFieldName } from './field-name';
import { validationSentence } from './validation-sentences';

it.each([
  'tpoic',
  'maxNumberOfSubscriptionsPerUsers',
  'signature_secret',
  'x-ox-signature',
  'email1',
  'com.openexchange.pns.pigeons',
])('the name %s is shown', (name) => expect(shownFieldName(name)).toBe(name));

it.each([
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'password:geheim',
  'password geheim',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxNCJ9.c2lnbmF0dXJl',
  '-----BEGIN PRIVATE KEY-----',
  'https://user:geheim@push.example.com/',
  '/etc/pns/geheim.pem',
  'a'.repeat(41),
  Array(20).fill('a').join('.'),
  'g\u00e4heim',
  '',
])('%s is not shown as the name of a field', (name) => expect(shownFieldName(name)).toBe('\u2026'));

it('a random key is not shown', () => {
  for (let key = 0; key < 1000; key++) expect(shownFieldName(`1${randomBytes(32).toString('hex')}`)).toBe('\u2026');
});

it('the sentence of the validator hides such names', () => {
  const issue = { code: 'unrecognized_keys', keys: ['colour', 'whsec_MfKQ9r8G'], input: {} } as const;
  expect(validationSentence({ ...issue, keys: [...issue.keys] })).toBe('colour, \u2026 is not known here');
});
