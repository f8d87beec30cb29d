import { ApnsConnectionError, defaultTimes } from './apns.connection';

it.each([
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', true],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', true],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', true],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', true],
  ['ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', true],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', true],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', true],
  ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', true],
  ['ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR', true],
  ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', false],
  ['ERR_SSL_WRONG_VERSION_NUMBER', false],
  ['CERT_HAS_EXPIRED', false],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', false],
  ['ECONNREFUSED', false],
])('the code %s is about our credentials: %s', (code, expected) => {
  expect(new ApnsConnectionError(code).isAboutCredentials).toBe(expected);
});

it.each([
  ['BadCertificate', true],
  ['Forbidden', true],
  ['Shutdown', false],
  ['IdleTimeout', false],
  ['ExpiredProviderToken', false],
])('a GOAWAY for %s is about our credentials: %s', (reason, expected) => {
  expect(new ApnsConnectionError('GOAWAY 0', reason).isAboutCredentials).toBe(expected);
});

it('a connection that has fallen silent is given up within 15 seconds', () => {
  const { silentMs, pongMs } = defaultTimes;
  // It is looked at twice in the time that it may be silent for.
  expect(silentMs + silentMs / 2 + pongMs).toBeLessThanOrEqual(15_000);
});
