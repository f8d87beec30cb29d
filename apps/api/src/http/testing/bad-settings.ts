import { at, someId, type BadRequest } from './bad-request';

const delay = 'com.openexchange.pns.delayDuration';
const ofServer = `/v1/config/server/properties/${delay}`;
const stale = { 'if-match': '"1"' };

const badProperties: readonly BadRequest[] = [
  ...at('PUT', ofServer, [
    ['a property without body', {}, 400, 'BODY_MISSING', 'Send a body'],
    ['a property as broken JSON', { body: '{"value":' }, 400, 'BODY_MALFORMED', 'not valid JSON'],
    ['a property without value', { body: {} }, 422, 'BODY_INVALID', 'value is missing'],
    ['a property of null', { body: { value: null } }, 422, 'BODY_INVALID', 'value must be text, a number'],
    ['a property of an object', { body: { value: {} } }, 422, 'BODY_INVALID', 'value must be text, a number'],
    ['a property of words', { body: { value: 'soon' } }, 422, 'PROPERTY_VALUE_INVALID', `${delay} must be a whole`],
    ['a property in a list', { body: { value: ['5'] } }, 422, 'PROPERTY_VALUE_INVALID', `${delay} cannot be a list`],
    ['a property below zero', { body: { value: -1 } }, 422, 'PROPERTY_VALUE_INVALID', `${delay} must be`],
    ['an odd final', { body: { value: 1, final: 'world' } }, 422, 'BODY_INVALID', 'final must be one of user'],
    ['a property and more', { body: { value: 1, scope: 'user' } }, 422, 'BODY_INVALID', 'scope is not a known field'],
    [
      'a property that was',
      { body: { value: 1 }, headers: stale },
      412,
      'VERSION_CHANGED',
      'changed by another request',
    ],
    ['a property by a key of client', { body: { value: 1 }, key: 'client' }, 403, 'SCOPE_MISSING', 'scope admin'],
    ['a property by nobody', { body: { value: 1 }, key: null }, 401, 'API_KEY_MISSING', 'Send an API key'],
  ]),
  [
    'a property misspelt',
    'PUT',
    `${ofServer}s`,
    { body: { value: 1 } },
    422,
    'PROPERTY_UNKNOWN',
    `the nearest is ${delay}.`,
  ],
  [
    'a property of the server for a user',
    'PUT',
    '/v1/config/contexts/1/users/1/properties/com.openexchange.pns.timerFrequency',
    { body: { value: 100 } },
    422,
    'PROPERTY_SCOPE_REFUSED',
    'can only be set for: the server',
  ],
  [
    'a property of context 0',
    'PUT',
    `/v1/config/contexts/0/properties/${delay}`,
    { body: { value: 1 } },
    400,
    'PATH_INVALID',
    'context must be',
  ],
  [
    'a property of user x',
    'GET',
    `/v1/config/contexts/1/users/x/properties/${delay}`,
    {},
    400,
    'PATH_INVALID',
    'user must be',
  ],
  [
    'a sound with NUL',
    'PUT',
    '/v1/config/server/properties/com.openexchange.pns.mobile.api.facade.apn.sound.filename',
    { body: { value: 'a\0' } },
    422,
    'PROPERTY_VALUE_INVALID',
    'must not contain NUL',
  ],
  ['a property not set', 'GET', ofServer, {}, 404, 'PROPERTY_NOT_SET', 'is not set here'],
  ['to remove a property not set', 'DELETE', ofServer, {}, 404, 'PROPERTY_NOT_SET', 'is not set here'],
  ['to remove all properties', 'DELETE', '/v1/config/server/properties', {}, 405, 'METHOD_NOT_ALLOWED', 'accepts GET'],
];

const badSets: readonly BadRequest[] = [
  ...at('PUT', '/v1/config/context-sets/premium', [
    ['a set without body', {}, 400, 'BODY_MISSING', 'Send a body'],
    ['a set without tags', { body: { rank: 1 } }, 422, 'BODY_INVALID', 'withTags is missing'],
    [
      'a set of half an expression',
      { body: { rank: 1, withTags: 'a &' } },
      422,
      'BODY_INVALID',
      'withTags must be tags',
    ],
    ['a set of a broken rank', { body: { rank: 0.5, withTags: 'a' } }, 422, 'BODY_INVALID', 'rank must be'],
    [
      'a set with properties',
      { body: { rank: 1, withTags: 'a', properties: {} } },
      422,
      'BODY_INVALID',
      'not a known field',
    ],
    [
      'a set that was',
      { body: { rank: 1, withTags: 'a' }, headers: stale },
      412,
      'VERSION_CHANGED',
      'changed by another request',
    ],
  ]),
  ['a set with a blank', 'GET', '/v1/config/context-sets/a%20b', {}, 400, 'PATH_INVALID', 'set must be 1 to 64'],
  ['a set unknown', 'GET', '/v1/config/context-sets/premium', {}, 404, 'CONTEXT_SET_NOT_FOUND', 'no context set'],
  [
    'to remove a set unknown',
    'DELETE',
    '/v1/config/context-sets/premium',
    {},
    404,
    'CONTEXT_SET_NOT_FOUND',
    'no context',
  ],
  [
    'a property of a set unknown',
    'PUT',
    `/v1/config/context-sets/premium/properties/${delay}`,
    { body: { value: 1 } },
    404,
    'CONTEXT_SET_NOT_FOUND',
    'no context set',
  ],
];

const badQuestions: readonly BadRequest[] = [
  ['what holds for nobody', 'GET', '/v1/config/effective?context=1', {}, 400, 'QUERY_INVALID', 'user is missing'],
  ['what holds for user -1', 'GET', '/v1/config/effective?context=1&user=-1', {}, 400, 'QUERY_INVALID', 'user must be'],
  ['why, without topic', 'GET', '/v1/config/explain?context=1&user=1', {}, 400, 'QUERY_INVALID', 'topic is missing'],
  [
    'why, of a client without transport',
    'GET',
    '/v1/config/explain?context=1&user=1&topic=a&client=b',
    {},
    400,
    'QUERY_INVALID',
    'and transport must both be set',
  ],
  [
    'why, by an odd transport',
    'GET',
    '/v1/config/explain?context=1&user=1&topic=a&client=b&transport=smoke',
    {},
    400,
    'QUERY_INVALID',
    'transport must be',
  ],
];

const ofHook = '/v1/clients/hook/transports/webhook';
const ofPhone = '/v1/clients/mobile/transports/apns';
const key = { authtype: 'jwt', keyid: 'ABCDEFGHIJ', teamid: 'ABCDEFGHIJ', topic: 'com.example.mail' };

const badClients: readonly BadRequest[] = [
  ...at('PUT', ofHook, [
    ['options without body', {}, 400, 'BODY_MISSING', 'Send a body'],
    ['options in a list', { body: [] }, 422, 'BODY_INVALID', 'body must be a JSON object'],
    ['options of a bad URI', { body: { uri: 'ftp://example.com/' } }, 422, 'BODY_INVALID', 'uri'],
    ['options unknown', { body: { uri: 'https://example.com/', colour: 1 } }, 422, 'BODY_INVALID', 'colour is not a'],
    [
      'options that were',
      { body: { uri: 'https://example.com/' }, headers: stale },
      412,
      'VERSION_CHANGED',
      'changed by another request',
    ],
    ['options by a key of ingest', { body: {}, key: 'ingest' }, 403, 'SCOPE_MISSING', 'scope admin'],
  ]),
  ...at('PUT', ofPhone, [
    ['a malformed signing key', { body: { ...key, privatekey: 'none' } }, 422, 'BODY_INVALID', 'is not a private key'],
    [
      'a malformed keystore',
      { body: { keystore: 'bm9uZQ==', password: 'x' } },
      422,
      'BODY_INVALID',
      'is not a PKCS #12',
    ],
  ]),
  [
    'options of an odd transport',
    'PUT',
    '/v1/clients/a/transports/smoke',
    { body: {} },
    400,
    'PATH_INVALID',
    'transport must be',
  ],
  [
    'options of sockets',
    'PUT',
    '/v1/clients/a/transports/websocket',
    { body: {} },
    400,
    'PATH_INVALID',
    'transport must be',
  ],
  [
    'options of a bad client',
    'PUT',
    '/v1/clients/a:b/transports/apns',
    { body: {} },
    400,
    'PATH_INVALID',
    'client must be',
  ],
  ['options not set', 'GET', ofPhone, {}, 404, 'CLIENT_OPTIONS_NOT_SET', 'No options are set'],
  ['to remove options not set', 'DELETE', ofPhone, {}, 404, 'CLIENT_OPTIONS_NOT_SET', 'No options are set'],
];

const deliveries = '/v1/deliveries';

export const badDeliveries: readonly BadRequest[] = [
  [
    'deliveries that went well',
    'GET',
    `${deliveries}?outcome=delivered`,
    {},
    400,
    'QUERY_INVALID',
    'outcome must be one of',
  ],
  ['deliveries without end', 'GET', `${deliveries}?limit=501`, {}, 400, 'QUERY_INVALID', 'limit must be'],
  ['deliveries from nowhere', 'GET', `${deliveries}?cursor=MTIz`, {}, 400, 'CURSOR_INVALID', 'nextCursor'],
  ['deliveries of user 0', 'GET', `${deliveries}?context=1&user=0`, {}, 400, 'QUERY_INVALID', 'user must be'],
  [
    'deliveries of NUL',
    'GET',
    `${deliveries}?notification=%00`,
    {},
    400,
    'QUERY_INVALID',
    'notification must be 1 to 255 printable',
  ],
  ['deliveries by colour', 'GET', `${deliveries}?colour=red`, {}, 400, 'QUERY_INVALID', 'colour is not a known field'],
  ['deliveries for a client', 'GET', deliveries, { key: 'client' }, 403, 'SCOPE_MISSING', 'scope admin'],
  ['to remove all deliveries', 'DELETE', deliveries, {}, 400, 'FILTER_MISSING', 'Set at least one'],
  ...at('POST', `${deliveries}/retry`, [
    ['a retry without body', {}, 400, 'BODY_MISSING', 'Send a body'],
    ['a retry of everything', { body: {} }, 422, 'BODY_INVALID', 'must name deliveries'],
    ['a retry of none', { body: { ids: [] } }, 422, 'BODY_INVALID', 'ids'],
    ['a retry of an odd id', { body: { ids: ['a b'] } }, 422, 'BODY_INVALID', 'ids.0 must be the id of a delivery'],
    ['a retry of too many', { body: { ids: Array<string>(1001).fill(someId) } }, 422, 'BODY_INVALID', 'ids'],
    ['a retry of a topic pattern', { body: { topic: 'ox:*' } }, 422, 'BODY_INVALID', 'topic must be words'],
    ['a retry by a key of client', { body: { user: 1 }, key: 'client' }, 403, 'SCOPE_MISSING', 'scope admin'],
  ]),
];

export const badSettings: readonly BadRequest[] = [...badProperties, ...badSets, ...badQuestions, ...badClients];
