import { plainUris, someRespellings } from '@pns/transport-contract/testing/uri-spellings';
import fc from 'fast-check';
import { webpushToken } from './webpush.token';

it.each([
  'https://fcm.googleapis.com/fcm/send/dpH5lCsTSSM:APA91bHqjZxM0VImWWqDRN7U0a3AycjUf4O-byuxb_wJsKRaKvV_iKw56s16',
  'https://updates.push.services.mozilla.com/wpush/v2/gAAAAABkqWsYTtQ8_-aQ',
  'https://web.push.apple.com/QGz9K1e0zZp0_X-2rv5W',
  'https://wns2-db5p.notify.windows.com/w/?token=BQYAAADMk%2fAhYEiAE%3d',
  'https://ntfy.example.com/upAbCd?up=1',
  'http://localhost:3005/push/1',
])('%s can be an endpoint', (uri) => expect(webpushToken.tokenProblem(uri)).toBeUndefined());

it.each([
  ['text', 'undefined'],
  ['a device token', 'ab12'.repeat(16)],
  ['another scheme', 'ftp://h.example/'],
  ['credentials', 'https://a:b@h.example/'],
  ['a fragment', 'https://h.example/#a'],
  ['escaped dot segments', 'https://h.example/a/%2e%2e/b'],
  ['an escape that is none', 'https://h.example/%zz'],
  ['an empty label', 'https://h..example/'],
  ['port 0, to which nothing connects', 'https://h.example:0/'],
  ['nothing', ''],
])('%s cannot be', (_, uri) => expect(webpushToken.tokenProblem(uri)).toContain('must be the endpoint'));

it('has one normal form in any spelling', () => {
  fc.assert(
    fc.property(plainUris, someRespellings, (uri, respell) => {
      expect(webpushToken.normalToken(respell(uri))).toBe(webpushToken.normalToken(uri));
    }),
  );
});
