import { webhookOptions } from './webhook.options';
import { webhookTarget } from './webhook.target';

const uri = 'https://push.example.com/hook';
const target = (token: string, options: Record<string, unknown> = {}) =>
  webhookTarget(token, webhookOptions.parse({ uri, ...options }));

describe('a trusted target', () => {
  it.each([
    [uri, '/hook'],
    ['https://PUSH.example.com:443/hook', '/hook'],
    [`${uri}/14`, '/hook/14'],
    [`${uri}?user=14`, '/hook?user=14'],
  ])('is %s', (token, path) => {
    for (const uriValidationMode of ['prefix', 'none']) {
      expect(target(token, { uriValidationMode })).toEqual({
        origin: 'https://push.example.com',
        path,
        name: 'push.example.com',
        isTrusted: true,
      });
    }
  });

  it.each([
    'https://push.example.com/hook-evil',
    'https://push.example.com/',
    'https://push.example.com:8443/hook',
    'https://push.example.com.evil.org/hook',
    'https://evil.org/hook',
    `${uri}/..;/admin`,
    `${uri}/..;x=1/admin`,
    `${uri}/%c0%ae%c0%ae/admin`,
    `${uri}/.%E2%80%8B./admin`,
    `${uri}/%EF%BC%8E%EF%BC%8E/admin`,
    `${uri}/x%3b`,
    `${uri}//admin`,
    `${uri}?x=%0d%0a`,
  ])('is never %s, in any mode', (token) => {
    expect(target(token, { uriValidationMode: 'none' })).toMatchObject({ isTrusted: false });
    expect(target(token)).toMatchObject({ kind: 'misconfigured' });
    expect(target(token, { uriValidationMode: 'exact' })).toMatchObject({ kind: 'misconfigured' });
  });

  it('does not exist without a configured URI', () => {
    expect(target(uri, { uri: undefined, uriValidationMode: 'none' })).toMatchObject({ isTrusted: false });
  });
});

it.each([
  ['https://push.example.com/hook', 'push.example.com'],
  ['https://bücher.example/hook', 'xn--bcher-kva.example'],
  ['https://127.0.0.1/hook', undefined],
  ['https://0x7f.1/hook', undefined],
  ['https://[2001:db8::1]:8080/hook', undefined],
])('the name to look up for %s is %s', (token, name) => {
  expect(target(token, { uriValidationMode: 'none' })).toHaveProperty('origin');
  expect((target(token, { uriValidationMode: 'none' }) as { name?: string }).name).toBe(name);
});

describe('nothing is sent', () => {
  it.each([
    ['to a text that is not a URI', 'hook', 'rejected'],
    ['to a URI of another kind', 'ftp://push.example.com/hook', 'rejected'],
    ['to a URI with credentials', 'https://a:b@push.example.com/hook', 'rejected'],
    ['to a URI with dot segments', `${uri}/../admin`, 'rejected'],
  ])('%s', (_, token, kind) => {
    expect(target(token, { uriValidationMode: 'none' })).toEqual({
      kind,
      reason: expect.stringMatching(/\.$/) as string,
    });
  });

  it.each([
    ['over http', 'http://push.example.com/hook', {}],
    ['over http, whatever the URI', 'http://push.example.com/hook', { uriValidationMode: 'none' }],
    ['beside the configured URI', 'https://push.example.com/other', {}],
    ['below a URI that is meant exactly', `${uri}/14`, { uriValidationMode: 'exact' }],
  ])('%s, which concerns no other subscription of the webhook', (_, token, options) => {
    expect(target(token, options)).toEqual({
      kind: 'misconfigured',
      reason: expect.any(String) as string,
      isTargetOnly: true,
    });
  });

  it('over http, unless the webhook allows it', () => {
    const options = { uri: 'http://push.example.com/hook', httpsOnly: false };
    expect(target('http://push.example.com/hook', options)).toMatchObject({ isTrusted: true });
    expect(target('https://push.example.com/hook', { ...options, uriValidationMode: 'none' })).toMatchObject({
      isTrusted: false,
    });
  });
});
