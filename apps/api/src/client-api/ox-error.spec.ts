import { PnsError } from '@pns/runtime';
import { RequestError } from '../http/request-error';
import { OxError, oxErrorOf } from './ox-error';

it.each([
  ['Postgres not reachable', Object.assign(new Error('away'), { code: 'ECONNREFUSED' }), 'PNS-0003'],
  ['Redis not reachable', new Error('Connection is closed.'), 'PNS-0002'],
  ['a session that ended', new PnsError('SESSION_ENDED', 'over'), 'SES-0203'],
  ['an invalid session', new PnsError('SESSION_INVALID', 'not ours'), 'SES-0203'],
  ['keys not reachable', new PnsError('SESSION_KEYS_UNREACHABLE', 'away'), 'PNS-0002'],
  ['a limit', new PnsError('SUBSCRIPTION_LIMIT', 'too many'), 'PNS-0013'],
  ['a webhook that refuses', new RequestError('WEBHOOK_URI_REFUSED', 'no'), 'PNS-0012'],
  ['a body that is too large', Object.assign(new Error('large'), { statusCode: 413 }), 'SVL-0009'],
  ['an error of the client API', new OxError('PNS-0007', 'bad topic'), 'PNS-0007'],
  ['anything else', new PnsError('CONFIG_INVALID', 'secret'), 'PNS-0001'],
  ['a bug', new TypeError('secret'), 'PNS-0001'],
])('%s', (_, error, code) => {
  const { oxCode, message } = oxErrorOf(error);
  expect(oxCode).toBe(code);
  expect(message).not.toContain('secret');
});
