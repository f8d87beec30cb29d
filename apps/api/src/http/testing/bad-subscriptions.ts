import type { TestRequest } from '../../testing/test-api';
import { at, someId, type BadRequest } from './bad-request';

/** The configuration that `badSubscriptions` needs. */
export const webhookFiles = {
  'webhooks.yml': `
hook: { uri: https://push.example.com/hook, maxTimeToLiveMillis: 3600000 }
exact: { uri: https://push.example.com/hook, uriValidationMode: exact }
anywhere: { uriValidationMode: none }
dormant: { uri: https://push.example.com/hook }
`,
  'webhooks.properties': 'com.openexchange.webhooks.enabledIds=hook,exact,anywhere,unconfigured\n',
};

const subscriptions = '/v1/subscriptions';

const phone = { context: 1, user: 14, client: 'mobile', transport: 'apns', token: 'ab12', topics: ['*'] };
const hook = { context: 1, user: 14, client: 'hook', transport: 'webhook', topics: ['*'] };

function register(changes: object): TestRequest {
  return { body: { ...phone, ...changes } };
}

function registerHook(changes: object): TestRequest {
  return { body: { ...hook, ...changes } };
}

export const badSubscriptions: readonly BadRequest[] = [
  ...at('POST', subscriptions, [
    ['no body', {}, 400, 'BODY_MISSING', 'Send a body'],
    ['a list', { body: [] }, 422, 'BODY_INVALID', 'body must be a JSON object'],
    ['no client', register({ client: undefined }), 422, 'BODY_INVALID', 'client is missing'],
    ['a client with a blank', register({ client: 'a b' }), 422, 'BODY_INVALID', 'client must be'],
    ['a long client', register({ client: 'c'.repeat(65) }), 422, 'BODY_INVALID', 'client must be'],
    ['an unknown transport', register({ transport: 'smoke' }), 422, 'BODY_INVALID', 'transport must be'],
    ['a transport of Object', register({ transport: 'constructor' }), 422, 'BODY_INVALID', 'transport must'],
    ['an open socket', register({ transport: 'websocket' }), 422, 'BODY_INVALID', 'open socket is the'],
    ['no token', register({ token: undefined }), 422, 'BODY_INVALID', 'token is missing'],
    ['an empty token', register({ token: '' }), 422, 'BODY_INVALID', 'token must have at least 1'],
    ['a long token', register({ token: 't'.repeat(4097) }), 422, 'BODY_INVALID', 'at most 4096'],
    ['a token with NUL', register({ token: 'a\0b' }), 422, 'BODY_INVALID', 'control characters'],
    ['a token with a blank', register({ token: 'a b' }), 422, 'BODY_INVALID', 'spaces or control'],
    [
      'a description of a token',
      register({ token: '<ab12ab12>' }),
      422,
      'TOKEN_INVALID',
      'token must be the device token',
    ],
    ['no token but a word', register({ token: 'undefined' }), 422, 'TOKEN_INVALID', 'hexadecimal'],
    ['half a byte', register({ token: 'ab1' }), 422, 'TOKEN_INVALID', 'two digits for each byte'],
    ['a token of FCM at APNs', register({ token: 'abc:APA91b' }), 422, 'TOKEN_INVALID', 'hexadecimal'],
    [
      'a token of APNs at FCM',
      register({ transport: 'gcm', token: 'ab12'.repeat(16) }),
      422,
      'TOKEN_INVALID',
      'not a device token of APNs',
    ],
    [
      'a channel on a foreign host',
      register({ transport: 'wns', token: 'https://evil.example/?token=1' }),
      422,
      'TOKEN_INVALID',
      'notify.windows.com',
    ],
    [
      'a URI that is too long with its escapes',
      registerHook({ token: `https://push.example.com/hook/${'é'.repeat(1500)}` }),
      422,
      'BODY_INVALID',
      'token must have at most 4096 bytes',
    ],
    ['no topics', register({ topics: [] }), 422, 'BODY_INVALID', 'at least one topic'],
    ['a topic as text', register({ topics: '*' }), 422, 'BODY_INVALID', 'topics must be a list'],
    ['a bad pattern', register({ topics: ['*', 'ox:*:new'] }), 422, 'BODY_INVALID', 'topics.1 must be'],
    ['101 topics', register({ topics: Array<string>(101).fill('a') }), 422, 'BODY_INVALID', 'at most 100'],
    ['an expiry in the past', register({ expires: Date.now() - 1 }), 422, 'BODY_INVALID', 'in the future'],
    ['an expiry as text', register({ expires: '2099-01-01' }), 422, 'BODY_INVALID', 'expires must be'],
    ['an expiry in the year 30000', register({ expires: 9e15 }), 422, 'BODY_INVALID', 'expires must be'],
    ['meta as a list', register({ meta: [] }), 422, 'BODY_INVALID', 'meta must be a JSON object'],
    ['much meta', register({ meta: { a: 'x'.repeat(5000) } }), 422, 'BODY_INVALID', 'at most 4096 bytes'],
    ['meta of umlauts', register({ meta: { a: 'ü'.repeat(2050) } }), 422, 'BODY_INVALID', 'at most 4096 bytes'],
    [
      'a header with CR LF',
      registerHook({ meta: { authorization: 'a\r\nb' } }),
      422,
      'BODY_INVALID',
      'meta.authorization',
    ],
    ['a header with NUL', registerHook({ meta: { authorization: 'a\0' } }), 422, 'BODY_INVALID', 'meta.authorization'],
    ['a header as list', registerHook({ meta: { authorization: ['a'] } }), 422, 'BODY_INVALID', 'must be a string'],
    ['a long header', registerHook({ meta: { authorization: 'a'.repeat(4097) } }), 422, 'BODY_INVALID', '4096'],
    ['a login with colon', registerHook({ meta: { login: 'a:', password: 'b' } }), 422, 'BODY_INVALID', 'meta.login'],
    ['a user as number', registerHook({ meta: { username: 5, password: 'b' } }), 422, 'BODY_INVALID', 'meta.username'],
    ['a login alone', registerHook({ meta: { login: 'a' } }), 422, 'BODY_INVALID', 'meta.password is missing'],
    ['an id', register({ id: someId }), 422, 'BODY_INVALID', 'id is not a known field'],
    ['an unknown webhook', registerHook({ client: 'unconfigured' }), 422, 'WEBHOOK_UNKNOWN', 'unconfigured is not'],
    ['a webhook named constructor', registerHook({ client: 'constructor' }), 422, 'WEBHOOK_UNKNOWN', 'not configured'],
    ['a webhook not enabled', registerHook({ client: 'dormant' }), 403, 'WEBHOOK_NOT_ENABLED', 'enabledIds'],
    [
      'a URI beside the prefix',
      registerHook({ token: 'https://push.example.com/hook-evil' }),
      422,
      'WEBHOOK_URI_REFUSED',
      'equal to or below',
    ],
    ['a URI of another host', registerHook({ token: 'https://evil.example/hook' }), 422, 'WEBHOOK_URI_REFUSED', 'host'],
    [
      'a URI with credentials',
      registerHook({ token: 'https://a:b@push.example.com/hook' }),
      422,
      'WEBHOOK_URI_REFUSED',
      'credentials',
    ],
    [
      'a URI below exact',
      registerHook({ client: 'exact', token: 'https://push.example.com/hook/x' }),
      422,
      'WEBHOOK_URI_REFUSED',
      'exactly',
    ],
    [
      'a URI without TLS',
      registerHook({ client: 'anywhere', token: 'http://x.example/' }),
      422,
      'WEBHOOK_URI_REFUSED',
      'https',
    ],
    ['no URI at all', registerHook({ client: 'anywhere' }), 422, 'WEBHOOK_URI_REFUSED', 'token is missing'],
    ['too long a life', registerHook({ expires: Date.now() + 3_700_000 }), 422, 'WEBHOOK_EXPIRY_REFUSED', '3600000 ms'],
  ]),
  ...at('PATCH', `${subscriptions}/${someId}`, [
    ['no body', {}, 400, 'BODY_MISSING', 'Send a body'],
    ['no change', { body: {} }, 422, 'BODY_INVALID', 'must change topics, expires or meta'],
    ['another token', { body: { token: 'b' } }, 422, 'BODY_INVALID', 'token is not a known field'],
    ['no topics', { body: { topics: [] } }, 422, 'BODY_INVALID', 'at least one topic'],
    ['an expiry in the past', { body: { expires: 1 } }, 422, 'BODY_INVALID', 'in the future'],
    ['an id of none', { body: { topics: ['*'] } }, 404, 'SUBSCRIPTION_NOT_FOUND', 'no subscription'],
    ['an id of none, to expire', { body: { expires: 0 } }, 404, 'SUBSCRIPTION_NOT_FOUND', 'no subscription'],
  ]),
  ['a limit of 0', 'GET', `${subscriptions}?limit=0`, {}, 400, 'QUERY_INVALID', 'limit must be'],
  ['a limit of 501', 'GET', `${subscriptions}?limit=501`, {}, 400, 'QUERY_INVALID', 'limit must be'],
  ['a cursor of nobody', 'GET', `${subscriptions}?cursor=MTIz`, {}, 400, 'CURSOR_INVALID', 'nextCursor'],
  ['a user as word', 'GET', `${subscriptions}?user=jane`, {}, 400, 'QUERY_INVALID', 'user must be'],
  ['a context twice', 'GET', `${subscriptions}?context=1&context=2`, {}, 400, 'QUERY_INVALID', 'context must be'],
  ['a filter unknown', 'GET', `${subscriptions}?colour=red`, {}, 400, 'QUERY_INVALID', 'colour is not a known field'],
  ['an id that is none', 'GET', `${subscriptions}/5`, {}, 400, 'PATH_INVALID', 'id must be a UUID'],
  ['an id of none', 'GET', `${subscriptions}/${someId}`, {}, 404, 'SUBSCRIPTION_NOT_FOUND', 'no subscription'],
  [
    'to remove an id of none',
    'DELETE',
    `${subscriptions}/${someId}`,
    {},
    404,
    'SUBSCRIPTION_NOT_FOUND',
    'no subscription',
  ],
  ['to remove everything', 'DELETE', subscriptions, {}, 400, 'FILTER_MISSING', 'at least one'],
  ['to remove by a bad topic', 'DELETE', `${subscriptions}?topic=a::b`, {}, 400, 'QUERY_INVALID', 'topic must be'],
];
