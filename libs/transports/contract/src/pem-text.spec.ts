import { pemText, unmarked } from './pem-text';

const pem = '-----BEGIN PRIVATE KEY-----\nMIG=\n-----END PRIVATE KEY-----\n';

it.each([
  ['as it is', pem],
  ['with a byte order mark', `\ufeff${pem}`],
  ['with line ends that are written out', pem.replaceAll('\n', '\\n')],
  ['with line ends of Windows that are written out', pem.replaceAll('\n', '\\r\\n')],
])('PEM %s', (_, text) => expect(pemText(text)).toBe(pem));

it('leaves line ends of Windows as they are', () => {
  expect(pemText(pem.replaceAll('\n', '\r\n'))).toBe(pem.replaceAll('\n', '\r\n'));
});

it('JSON loses its byte order mark only', () => expect(unmarked('\ufeff{"a":"\\n"}')).toBe('{"a":"\\n"}'));
