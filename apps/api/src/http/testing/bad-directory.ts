import { at, type BadRequest } from './bad-request';

const cursorOf = (key: readonly unknown[]) => Buffer.from(JSON.stringify(key)).toString('base64url');

const notATag = 'letters, digits, underscores, dots and dashes';

export const badDirectory: readonly BadRequest[] = [
  ...at('PUT', '/v1/contexts/1', [
    ['a name with a blank', { body: { name: 'a b' } }, 422, 'BODY_INVALID', notATag],
    ['a name that is an id', { body: { name: '5' } }, 422, 'BODY_INVALID', 'the id of a context'],
    ['an empty name', { body: { name: '' } }, 422, 'BODY_INVALID', 'name'],
    ['a name too long', { body: { name: 'n'.repeat(101) } }, 422, 'BODY_INVALID', 'name'],
    ['a tag with an operator', { body: { tags: ['a', 'b&c'] } }, 422, 'BODY_INVALID', 'tags.1'],
    ['a tag with a line end', { body: { tags: ['a\n'] } }, 422, 'BODY_INVALID', notATag],
    ['a tag beyond ASCII', { body: { tags: ['ä'] } }, 422, 'BODY_INVALID', notATag],
    ['a tag that is an id', { body: { tags: ['2147483648'] } }, 422, 'BODY_INVALID', 'the id of a context'],
    ['tags in one text', { body: { tags: 'a' } }, 422, 'BODY_INVALID', 'tags'],
    ['tags without end', { body: { tags: Array(101).fill('a') } }, 422, 'BODY_INVALID', 'tags'],
    ['a field unknown', { body: { users: [] } }, 422, 'BODY_INVALID', 'users is not a known field'],
    ['no body', {}, 400, 'BODY_MISSING', 'Send a body'],
    [
      'a version that was',
      { body: {}, headers: { 'if-match': '"1"' } },
      412,
      'VERSION_CHANGED',
      'changed by another request',
    ],
    ['a version that is none', { body: {}, headers: { 'if-match': 'x' } }, 412, 'VERSION_CHANGED', 'If-Match'],
  ]),
  ...at('PUT', '/v1/contexts/1/users/1', [
    ['a tag of a user with a blank', { body: { tags: ['a b'] } }, 422, 'BODY_INVALID', notATag],
    ['a tag of a user that is an id', { body: { tags: ['7'] } }, 422, 'BODY_INVALID', 'the id of a context'],
    [
      'a user that was',
      { body: {}, headers: { 'if-match': '"1"' } },
      412,
      'VERSION_CHANGED',
      'changed by another request',
    ],
  ]),
  ...at('DELETE', '/v1/contexts/1', [
    [
      'erasing a context that was',
      { headers: { 'if-match': '"1"' } },
      412,
      'VERSION_CHANGED',
      'changed by another request',
    ],
    ['erasing a context by a key of ingest', { key: 'ingest' }, 403, 'SCOPE_MISSING', 'scope admin'],
  ]),
  ...at('DELETE', '/v1/contexts/1/users/1', [
    [
      'erasing a user that was',
      { headers: { 'if-match': '"1"' } },
      412,
      'VERSION_CHANGED',
      'changed by another request',
    ],
    ['erasing a user by a key of client', { key: 'client' }, 403, 'SCOPE_MISSING', 'scope admin'],
  ]),
  [
    'a path without end',
    'GET',
    `/v1/contexts/${'1'.repeat(1201)}`,
    {},
    400,
    'PATH_INVALID',
    'longer than any valid value',
  ],
  ['erasing a context 0', 'DELETE', '/v1/contexts/0', {}, 400, 'PATH_INVALID', 'context must be'],
  ['erasing users of a pattern', 'DELETE', '/v1/contexts/1/users/*', {}, 400, 'PATH_INVALID', 'user must be'],
  ['erasing all users', 'DELETE', '/v1/contexts/1/users', {}, 405, 'METHOD_NOT_ALLOWED', 'accepts GET'],
  ['erasing all contexts', 'DELETE', '/v1/contexts', {}, 405, 'METHOD_NOT_ALLOWED', 'accepts GET'],
  ['a context unknown', 'GET', '/v1/contexts/1', {}, 404, 'CONTEXT_NOT_FOUND', 'no context 1'],
  ['a long page of contexts', 'GET', '/v1/contexts?limit=501', {}, 400, 'QUERY_INVALID', 'limit'],
  ['a made-up cursor', 'GET', '/v1/contexts?cursor=LTE', {}, 400, 'CURSOR_INVALID', 'nextCursor'],
  ...['/v1/contexts', '/v1/contexts/1/users'].map((list): BadRequest => {
    const beyond = Buffer.from('2147483648').toString('base64url');
    return ['a cursor beyond all ids', 'GET', `${list}?cursor=${beyond}`, {}, 400, 'CURSOR_INVALID', 'nextCursor'];
  }),
  ...[
    '/v1/clients',
    '/v1/config/context-sets',
    '/v1/config/server/properties',
    '/v1/config/contexts/1/properties',
    '/v1/config/contexts/1/users/1/properties',
  ].flatMap((list): BadRequest[] => [
    ['a long page', 'GET', `${list}?limit=501`, {}, 400, 'QUERY_INVALID', 'limit'],
    ['a made-up cursor', 'GET', `${list}?cursor=LTE`, {}, 400, 'CURSOR_INVALID', 'nextCursor'],
    [
      'a cursor with a bad number',
      'GET',
      `${list}?cursor=${cursorOf([1.5, 'a'])}`,
      {},
      400,
      'CURSOR_INVALID',
      'nextCursor',
    ],
    ['a cursor with NUL', 'GET', `${list}?cursor=${cursorOf(['\0'])}`, {}, 400, 'CURSOR_INVALID', 'nextCursor'],
  ]),
  ['a cursor of elsewhere', 'GET', '/v1/contexts/1/users?cursor=MS4x', {}, 400, 'CURSOR_INVALID', 'nextCursor'],
];
