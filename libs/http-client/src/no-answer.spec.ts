import { failedConnection } from './no-answer';

it.each([
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', 'misconfigured'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'misconfigured'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'misconfigured'],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'misconfigured'],
  ['ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', 'misconfigured'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'misconfigured'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'misconfigured'],
  ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', 'misconfigured'],
  ['ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR', 'misconfigured'],
  ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'retry'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'retry'],
  ['CERT_HAS_EXPIRED', 'retry'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'retry'],
  ['ECONNREFUSED', 'retry'],
])('a connection that fails with %s means %s', (code, kind) => {
  expect(failedConnection('Apple', code).outcome).toEqual({
    kind,
    reason: `The connection to Apple failed (${code}).`,
  });
});
