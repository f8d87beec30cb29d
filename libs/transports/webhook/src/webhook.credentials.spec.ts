import { ownAuthorization, ownCredentials } from './webhook.credentials';

const basic = (credentials: string) => `Basic ${Buffer.from(credentials, 'latin1').toString('base64')}`;

it.each<[object | undefined, string | undefined]>([
  [undefined, undefined],
  [{}, undefined],
  [{ locale: 'de', Authorization: 'Bearer x', webhookSecret: 'Bearer y' }, undefined],
  [{ authorization: 'Bearer x' }, 'Bearer x'],
  [{ authorization: 'Schlüssel ÿ' }, 'Schlüssel ÿ'],
  [{ authorization: 'Bearer x', login: 'a', password: 'b' }, 'Bearer x'],
  [{ login: 'a', password: 'b' }, basic('a:b')],
  [{ username: 'a', password: 'b' }, basic('a:b')],
  [{ login: 'a', username: 'c', password: 'b' }, basic('a:b')],
  [{ login: 'jürgen', password: 'pä:ss' }, basic('jürgen:pä:ss')],
  [{ login: 'a', password: '' }, basic('a:')],
  [{ login: 'a' }, undefined],
  [{ password: 'b' }, undefined],
])('%j results in the header %j', (meta, header) => expect(ownAuthorization(meta)).toBe(header));

const unfit = [
  ['authorization', { authorization: 'a\r\nX-Evil: 1' }],
  ['authorization', { authorization: 'a\n' }],
  ['authorization', { authorization: 'a\0b' }],
  ['authorization', { authorization: '' }],
  ['authorization', { authorization: ' a' }],
  ['authorization', { authorization: 'Bearer 👋' }],
  ['authorization', { authorization: 'Bearer \x7f' }],
  ['authorization', { authorization: 'a'.repeat(4097) }],
  ['authorization', { authorization: 5 }],
  ['authorization', { authorization: ['Bearer x'] }],
  ['authorization', { authorization: null }],
  ['login', { login: 'a:b', password: 'c' }],
  ['login', { login: '', password: 'c' }],
  ['login', { login: { toString: 'a' }, password: 'c' }],
  ['username', { username: 'a\r\n', password: 'c' }],
  ['password', { login: 'a', password: 'b\0' }],
  ['password', { login: 'a', password: true }],
] as const;

it.each(unfit)('no header contains %s of %j', (field, meta) => {
  const paths = ownCredentials.safeParse(meta).error?.issues.map(({ path }) => path.join());
  expect(new Set(paths)).toEqual(new Set([field]));
  expect(() => ownAuthorization(meta)).toThrow();
});

it.each([
  ['password', { login: 'a' }],
  ['password', { username: 'a', authorization: 'Bearer x' }],
  ['login', { password: 'b' }],
])('%s is reported as missing beside %j', (field, meta) => {
  expect(ownCredentials.safeParse(meta).error?.issues).toMatchObject([{ path: [field] }]);
});
