import { plainUris, someRespellings } from '@pns/transport-contract/testing/uri-spellings';
import fc from 'fast-check';
import { webhookToken } from './webhook.token';

it.each([
  'https://push.example.com/hook',
  'http://10.0.0.1:8080',
  'https://bücher.example/a?b',
  'https://h.example./',
  `https://${'a'.repeat(63)}.example/`,
  'https://[2001:db8::1]:65535/',
])('%s can be the URI of a receiver', (uri) => expect(webhookToken.tokenProblem(uri)).toBeUndefined());

it.each([
  ['text', 'undefined'],
  ['a relative URI', '/hook'],
  ['another scheme', 'ftp://h.example/'],
  ['credentials', 'https://a:b@h.example/'],
  ['a fragment', 'https://h.example/#a'],
  ['dot segments', 'https://h.example/a/../b'],
  ['escaped dot segments', 'https://h.example/a/%2e%2e/b'],
  ['an escape that is none', 'https://h.example/%zz'],
  ['an empty label', 'https://h..example/'],
  ['two dots behind the host', 'https://h.example../'],
  ['a space', 'https://h.example/a b'],
  ['port 0, to which nothing connects', 'https://h.example:0/'],
  ['a label that no name server takes', `https://${'a'.repeat(64)}.example/`],
  ['a name that no name server takes', `https://${'a.'.repeat(130)}example/`],
  ['nothing', ''],
])('%s cannot be', (_, uri) =>
  expect(webhookToken.tokenProblem(uri)).toContain('must be an absolute http or https URI'),
);

it('has one normal form in any spelling', () => {
  fc.assert(
    fc.property(plainUris, someRespellings, (uri, respell) => {
      expect(webhookToken.normalToken(respell(uri))).toBe(webhookToken.normalToken(uri));
    }),
  );
});

it('stays valid in its normal form', () => {
  fc.assert(
    fc.property(plainUris, someRespellings, (uri, respell) => {
      const spelled = respell(uri);
      if (webhookToken.tokenProblem(spelled) !== undefined) return;
      expect(webhookToken.tokenProblem(webhookToken.normalToken(spelled))).toBeUndefined();
    }),
  );
});
