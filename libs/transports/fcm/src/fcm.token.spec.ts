import fc from 'fast-check';
import { fcmToken } from './fcm.token';

it.each([
  `fJ3kLq9wTkm:APA91b${'H-x_Y2'.repeat(22)}`,
  `APA91b${'H-x_Y2'.repeat(22)}`,
  'demo-phone:APA91b-of-the-sandbox',
])('%s can be a registration token', (each) => expect(fcmToken.tokenProblem(each)).toBeUndefined());

it.each([
  ['a device token of APNs', 'ab12'.repeat(16)],
  ['a device token of APNs in capitals', 'AB12'.repeat(16)],
  ['a longer device token of APNs, as of a simulator', 'ab12'.repeat(40)],
  ['the description of a device token of APNs', `<${'ab12'.repeat(16)}>`],
  ['a UUID', '4fd7cb5c-6a2e-4a0e-8d5a-1c1f6a3a9f10'],
  ['a UUID without dashes', '4fd7cb5c6a2e4a0e8d5a1c1f6a3a9f10'],
  ['the id of a sender', '160491815377'],
  ['the id of an app', '1:160491815377:android:0a1b2c3d4e5f'],
  ['an API key', `AIza${'Sy0-_'.repeat(7)}`],
  ['a server key', `AAAA7ZcQmWU:APA91b${'H-x_Y2'.repeat(20)}`],
  ['an error of the library', 'SERVICE_NOT_AVAILABLE'],
  ['a placeholder of a device', 'BLACKLISTED'],
  ['punctuation', ':-_'],
  ['a token of Expo', 'ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]'],
  ['an object', '[object Object]'],
  ['a channel URI', 'https://db5p.notify.windows.com/?token=1'],
  ['base64', 'q83vEjRWeJA='],
  ['undefined', 'undefined'],
  ['null', 'null'],
  ['nothing', ''],
])('%s is not a registration token', (_, each) => {
  expect(fcmToken.tokenProblem(each)).toContain('registration token that FCM gave the app');
});

it('is its own normal form', () => {
  fc.assert(fc.property(fc.string(), (each) => expect(fcmToken.normalToken(each)).toBe(each)));
});
