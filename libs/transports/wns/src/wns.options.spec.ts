import { rootCertificates } from 'node:tls';
import { parse } from 'yaml';
import { wnsOptions, wnsOptionsFileFor, wnsSecretFields } from './wns.options';

const sid = 'ms-app://s-1-15-2-1111111111-2222222222-3333333333-4444444444-1234567890-2345678901-3456789012';
const appId = '0b1a2c3d-1111-2222-3333-444455556666';
const entry = { sid, secret: 'Vex8L9WOFZuj95euaLrvSH7XyoDhLJc7' };
const [certificate = ''] = rootCertificates;

const readFile = (path: string): Buffer => {
  if (path === 'ca.pem') return Buffer.from(certificate);
  if (path === 'empty.pem') return Buffer.from('');
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
};
const file = wnsOptionsFileFor('production', readFile);
const faultOf = (given: unknown): string =>
  (file.safeParse({ app: given }).error?.issues ?? [])
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('\n');

it('all options except sid and secret have a default', () => {
  expect(wnsOptions.parse(entry)).toEqual({ ...entry, enabled: true, type: 'toast', allowedHosts: [] });
});

it('the example of the original is read unchanged', () => {
  const example = `
mywindowsclient:
    # Disabled...
    enabled: false
    sid: AIzaSy2535345TbVL2r4yaZ4ZVQvJdcE1vth24546
    secret: 14e435y2535345TbVL2r4yaZ4ZVQvJdcE1vth24546
`;
  expect(file.parse(parse(example))).toMatchObject({ mywindowsclient: { enabled: false } });
});

it('certificates are a path in the file, and PEM text over the API', () => {
  expect(file.parse({ app: { ...entry, caFile: 'ca.pem' } })).toEqual({
    app: wnsOptions.parse({ ...entry, caFile: certificate }),
  });
});

it('parsed options do not change when they are parsed again', () => {
  const options = wnsOptions.parse({ ...entry, type: 'raw', caFile: certificate, allowedHosts: ['localhost:3005'] });
  expect(wnsOptions.parse(options)).toEqual(options);
});

it.each<[string, Record<string, unknown>]>([
  ['an app that is registered with Entra', { sid: appId, tenantId: appId, secret: 's~8Q' }],
  ['another type', { ...entry, type: 'badge' }],
  [
    'a sandbox',
    { ...entry, tokenEndpoint: 'https://localhost:3005/accesstoken.srf', allowedHosts: ['localhost', '[::1]:3005'] },
  ],
])('accepts %s', (_, given) => expect(faultOf(given)).toBe(''));

it.each<[string, unknown, string]>([
  ['nothing', {}, 'app.sid: is missing'],
  ['no secret', { sid }, 'app.secret: is missing'],
  ['a number as a secret', { sid, secret: 12345 }, 'app.secret: must be a text; in YAML, quote it'],
  ['an empty secret', { sid, secret: '' }, 'app.secret: may only contain printable'],
  ['a secret with a line break', { sid, secret: 'a\r\nb' }, 'app.secret: may only contain printable'],
  ['a malformed sid', { ...entry, sid: 'my-app' }, 'app.sid: must be the Package SID'],
  ['a sid without its scheme', { ...entry, sid: sid.slice('ms-app://'.length) }, 'app.sid: must be the Package SID'],
  ['an Entra app without its tenant', { ...entry, sid: appId }, 'needs tenantId too'],
  ['a Package SID with a tenant', { ...entry, tenantId: appId }, 'app.sid: must be the application (client) id'],
  ['a malformed tenant', { ...entry, sid: appId, tenantId: '../../evil' }, 'app.tenantId: must be the directory'],
  [
    'an unknown field',
    { ...entry, key: 'x' },
    'key is not a field of a WNS client; the known ones are enabled, sid, secret',
  ],
  ['an unknown type', { ...entry, type: 'popup' }, 'app.type: must be one of toast, tile, badge, raw'],
  [
    'a token endpoint without encryption',
    { ...entry, tokenEndpoint: 'http://localhost/' },
    'app.tokenEndpoint: must be an https URL',
  ],
  ['a token endpoint with credentials', { ...entry, tokenEndpoint: 'https://a:b@localhost/' }, 'app.tokenEndpoint'],
  [
    'a token endpoint with port 0',
    { ...entry, tokenEndpoint: 'https://localhost:0/' },
    'app.tokenEndpoint: has port 0',
  ],
  ['a host with port 0', { ...entry, allowedHosts: ['localhost:0'] }, 'app.allowedHosts.0: has port 0'],
  ['a URL as a host', { ...entry, allowedHosts: ['https://localhost'] }, 'app.allowedHosts.0: must be a host'],
  ['a pattern as a host', { ...entry, allowedHosts: ['*'] }, 'app.allowedHosts.0: must be a host'],
  ['a host in capitals', { ...entry, allowedHosts: ['Localhost'] }, 'app.allowedHosts.0: must be a host in lower case'],
  ['a host with a path', { ...entry, allowedHosts: ['localhost/w'] }, 'app.allowedHosts.0: must be a host'],
  ['a missing file', { ...entry, caFile: 'nowhere.pem' }, 'app.caFile: cannot be read (ENOENT)'],
  ['a file without certificates', { ...entry, caFile: 'empty.pem' }, 'app.caFile: must be certificates in PEM, each'],
  ['no object', 'x', 'app'],
  ['nothing at all', null, 'app'],
  ['a list', [], 'app'],
])('refuses %s with a sentence that says what to do', (_, given, sentence) =>
  expect(faultOf(given)).toContain(sentence),
);

it.each(['a b', '', 'x'.repeat(65), 'a:b'])('refuses %j as a client id', (client) => {
  expect(file.safeParse({ [client]: entry }).success).toBe(false);
});

it('no fault repeats a secret', () => {
  const secret = 'very secret\u0000';
  expect(faultOf({ sid: 'x', secret, tenantId: 5 })).not.toContain('very');
});

it('`secret` is the only secret field', () => expect(wnsSecretFields).toEqual(['secret']));
