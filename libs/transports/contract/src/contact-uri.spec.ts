import { isContactUri } from './contact-uri';

it.each(['mailto:ops@example.com', 'https://example.com/contact', 'https://example.com'])(
  '%s is a contact URI',
  (uri) => {
    expect(isContactUri(uri)).toBe(true);
  },
);

it.each([
  '',
  'ops@example.com',
  'mailto:ops',
  'mailto:',
  'mailto:<ops@example.com>',
  'mailto: ops@example.com',
  'http://example.com',
  'https://',
  'https://exa mple.com',
  'https://example.com/\n',
  `https://example.com/${'a'.repeat(255)}`,
  'javascript:alert(1)',
])('%j is not a contact URI', (uri) => {
  expect(isContactUri(uri)).toBe(false);
});
