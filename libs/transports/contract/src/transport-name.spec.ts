import { transportName } from './transport-name';

it.each([
  ['apns', 'apns'],
  ['apn', 'apns'],
  ['apns_http2', 'apns'],
  ['gcm', 'fcm'],
  ['websocket', 'websocket'],
  ['webpush', 'webpush'],
  ['unifiedpush', 'webpush'],
  ['APNS', undefined],
  ['constructor', undefined],
  ['', undefined],
])('%j names the transport %s', (value, expected) => {
  expect(transportName(value)).toBe(expected);
});
