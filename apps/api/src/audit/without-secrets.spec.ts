import { auditMask } from '@pns/persistence';
import * as fc from 'fast-check';
import { withoutSecrets } from './without-secrets';

const secret = 'correct horse battery staple';

it.each([
  ['the token of a device', { token: secret }, { token: auditMask(secret) }],
  ['an API key', { id: '1', name: 'mail', key: secret }, { id: '1', name: 'mail', key: auditMask(secret) }],
  ['credentials in options', { options: { webhookSecret: secret } }, { options: { webhookSecret: auditMask(secret) } }],
  ['an object of credentials', { serviceAccount: { a: secret } }, { serviceAccount: auditMask(`{"a":"${secret}"}`) }],
  [
    'every text in meta',
    { meta: { headers: [secret], deep: { x: secret }, tries: 3, on: true, none: null } },
    { meta: { headers: [auditMask(secret)], deep: { x: auditMask(secret) }, tries: 3, on: true, none: null } },
  ],
  [
    'user and query of a webhook',
    { token: 'https://jane:pw@example.com:8443/hook?code=1#f' },
    {
      token: `https://${auditMask('jane:pw')}@example.com:8443/hook?${auditMask('?code=1')}#${auditMask('#f')}`,
    },
  ],
  [
    'no part of a webhook without secrets',
    { token: 'https://example.com/hook' },
    { token: 'https://example.com/hook' },
  ],
  ['a URL under any name', { uri: 'https://u@h/' }, { uri: `https://${auditMask('u:')}@h/` }],
  ['nothing else', { name: 'a', topics: ['ox:mail:new'], value: 5 }, { name: 'a', topics: ['ox:mail:new'], value: 5 }],
  ['no topic, which is not a URL', { topic: 'ox:mail:new' }, { topic: 'ox:mail:new' }],
])('masks %s', (_name, value, expected) => {
  expect(withoutSecrets(value)).toEqual(expected);
});

it('shows the first digits of the SHA-256, so the same secret has the same mask', () => {
  expect(auditMask('a')).toBe('sha256:ca9781');
});

it('masks secrets in any JSON, at any place', () => {
  const names = fc.constantFrom('token', 'Password', 'webhookSecret', 'privatekey', 'key', 'meta', 'Authorization');
  const inside = fc.letrec((tie) => ({
    node: fc.oneof(
      fc.constant(secret),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('node'), { maxKeys: 3 }),
    ),
  })).node;
  const outside = fc.letrec((tie) => ({
    node: fc.oneof(
      fc.tuple(names, inside).map(([name, value]) => ({ [name]: value })),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('node'), { maxKeys: 3 }),
    ),
  })).node;
  fc.assert(
    fc.property(outside, (value) => {
      expect(JSON.stringify(withoutSecrets(value) ?? null)).not.toContain(secret);
    }),
  );
});

it('masks the query of a URL with non-ASCII letters, after many other URLs', () => {
  for (let n = 0; n < 200_000; n++) withoutSecrets(`https://push.example.com/${n % 9}`);
  expect(withoutSecrets('https://b\u00fccher.example/?code=hunter2')).not.toContain('hunter2');
});
