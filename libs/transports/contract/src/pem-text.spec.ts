import { pemText, unmarked } from './pem-text';

const lines = `${'A'.repeat(64)}\n${'b'.repeat(64)}\nMIG=`;
const pem = `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`;

const two = `${pem}${pem.replaceAll('PRIVATE KEY', 'CERTIFICATE')}`;

it.each<[what: string, respelled: (text: string) => string]>([
  ['as it is', (text) => text],
  ['with a byte order mark', (text) => `\ufeff${text}`],
  ['with line ends as a backslash and an n', (text) => text.replaceAll('\n', '\\n')],
  ['with line ends of Windows as backslashes and letters', (text) => text.replaceAll('\n', '\\r\\n')],
  ['with carriage returns', (text) => text.replaceAll('\n', '\r')],
  ['with blanks instead of line ends', (text) => text.replaceAll('\n', ' ')],
  ['without line ends', (text) => text.replaceAll('\n', '')],
  ['that is indented', (text) => text.replace(/^/gm, '    ')],
  ['in quotes', (text) => `"${text}"`],
  ['in a sentence', (text) => `The keys are ${text}# end`],
])('PEM %s', (_, respelled) => {
  for (const text of [pem, two]) {
    expect(pemText(respelled(text))).toBe(text);
    expect(pemText(pemText(respelled(text)))).toBe(text);
  }
});

it.each([
  ['with line ends of Windows', pem.replaceAll('\n', '\r\n')],
  ['in one long line', pem.replace(/([^-])\n(?=[^-])/g, '$1')],
  ['behind the attributes that OpenSSL writes', `Bag Attributes\n  x: y\n${pem}`],
])('leaves PEM %s as it is, because OpenSSL reads it', (_, text) => {
  expect(pemText(text)).toBe(text);
  expect(pemText(`${text}${text}`)).toBe(`${text}${text}`);
});

it.each([
  [
    'a block that is encrypted with headers',
    `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIG=\n-----END RSA PRIVATE KEY-----\n`,
  ],
  ['a block that is not base64', '-----BEGIN CERTIFICATE-----\n#\n-----END CERTIFICATE-----'],
  ['a block without an end', '-----BEGIN CERTIFICATE-----\nMIG='],
  ['a path', '/etc/ca.pem'],
])('leaves %s unchanged, also after a block without line ends', (_, text) => {
  expect(pemText(text)).toBe(text);
  if (text.startsWith('-')) expect(pemText(` ${pem}${text}`)).toBe(` ${pem}${text}`);
});

it('JSON loses its byte order mark only', () => expect(unmarked('\ufeff{"a":"\\n"}')).toBe('{"a":"\\n"}'));
