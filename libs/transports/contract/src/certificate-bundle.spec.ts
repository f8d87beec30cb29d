import { rootCertificates } from 'node:tls';
import { isCertificateBundle } from './certificate-bundle';

const [first = '', second = ''] = rootCertificates;
const broken = first.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA');

it.each([
  ['one certificate', first],
  ['two', `${first}\n${second}\n`],
  ['two with comments and CRLF', `# one\n${first}\n# two\n${second}`.replaceAll('\n', '\r\n')],
])('accepts %s', (_, pem) => expect(isCertificateBundle(pem)).toBe(true));

it.each([
  ['nothing', ''],
  ['a path', '/etc/ssl/ca.pem'],
  ['a broken certificate', broken],
  ['a broken certificate behind a good one', `${first}\n${broken}`],
  ['a certificate that is cut off', `${first}\n${second.slice(0, 300)}`],
  ['a certificate whose end is missing before the next one', `${second.slice(0, 300)}\n${first}`],
  ['base64 without its marks', first.split('\n').slice(1, -1).join('\n')],
])('refuses %s', (_, pem) => expect(isCertificateBundle(pem)).toBe(false));
