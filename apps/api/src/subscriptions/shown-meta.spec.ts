import { shownMeta } from './shown-meta';

it.each([
  'authorization',
  'Authorization',
  'password',
  'PASSWORD',
  'login',
  'Login',
  'username',
  'userName',
  'token',
  'accessToken',
  'apiKey',
  'clientSecret',
])('omits %s at any depth', (name) => {
  const secret = { [name]: 'x', locale: 'de' };
  expect(shownMeta({ ...secret, inner: secret, list: [secret, [secret]] })).toEqual({
    locale: 'de',
    inner: { locale: 'de' },
    list: [{ locale: 'de' }, [{ locale: 'de' }]],
  });
});

it('shows all other members unchanged', () => {
  const meta = { locale: 'de', os: 'iOS 19', flags: [1, true, null], device: { name: 'Phone', loginCount: 3 } };
  expect(shownMeta(meta)).toEqual(meta);
});
