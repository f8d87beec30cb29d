import { rootCertificates } from 'node:tls';
import { z } from 'zod';
import { guardedFields, withCaFile } from './guarded-fields';

const [pem = ''] = rootCertificates;
const fields = z.object(guardedFields);
const readFile = (path: string): Buffer => {
  if (path !== 'ca.pem') throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
  return Buffer.from(pem);
};
const schema = withCaFile(readFile).pipe(fields.extend({ enabled: z.boolean().optional() }));

it('allows only public addresses with TLS by default', () => {
  expect(fields.parse({})).toEqual({ allowedNetworks: [], httpsOnly: true });
});

it.each([
  ['an address without a prefix', { allowedNetworks: ['10.0.0.1'] }],
  ['a prefix that is too long', { allowedNetworks: ['10.0.0.0/33'] }],
  ['a name', { allowedNetworks: ['localhost/8'] }],
  ['no certificate', { caFile: 'x' }],
  ['a private key', { caFile: `${pem}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----` }],
])('refuses %s', (_, given) => expect(fields.safeParse(given).success).toBe(false));

it('reads the certificates of an option file', () => {
  expect(schema.parse({ caFile: 'ca.pem' })).toMatchObject({ caFile: pem });
});

it('names the fault of a file that cannot be read, and not its path', () => {
  const message = schema.safeParse({ caFile: 'a-secret' }).error?.issues[0]?.message ?? '';
  expect(message).toContain('cannot be read (ENOENT)');
  expect(message).not.toContain('a-secret');
});

it('needs no file in an entry that is switched off', () => {
  expect(schema.parse({ enabled: false, caFile: 'a-secret' })).not.toHaveProperty('caFile', 'a-secret');
});
