import { at, ingest, mail, post, type BadRequest } from './bad-request';

const templateOf = '/v1/config/contexts/1/properties/com.openexchange.pns.template.title';
const enabledIds = '/v1/config/contexts/1/properties/com.openexchange.webhooks.enabledIds';

const subscription = { context: 1, user: 14, client: 'phone', transport: 'apns', token: 'ab', topics: ['*'] };
const register = (changes: object) => ({ body: { ...subscription, ...changes } });
const hook = (token: string) => register({ client: 'hook', transport: 'webhook', token });

/** The JSON text of `depth` lists inside each other. It uses no serializer, which would need a stack of this depth. */
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const withNested = (body: object, field: string, depth: number) => ({
  body: JSON.stringify({ ...body, [field]: 0 }).replace(`"${field}":0`, `"${field}":{"a":${nested(depth)}}`),
});
const cursor = (text: string) => Buffer.from(text).toString('base64url');

/** Requests with texts that PNS parses. For each parser, these are its slowest texts and texts that could make it fail. */
export const hostileTexts: readonly BadRequest[] = [
  ...at('PUT', templateOf, [
    [
      'forty levels of sections',
      { body: { value: `${'{{#a}}'.repeat(40)}x${'{{/a}}'.repeat(40)}` } },
      422,
      'PROPERTY_VALUE_INVALID',
      'nested deeper than 10 levels',
    ],
    [
      'open sections only',
      { body: { value: '{{#a}}'.repeat(682) } },
      422,
      'PROPERTY_VALUE_INVALID',
      'Unclosed section',
    ],
    ['45,000 characters of tags', { body: { value: '{{a}}'.repeat(9000) } }, 422, 'BODY_INVALID', 'value'],
    [
      '10,000 characters of tags',
      { body: { value: '{{a}}'.repeat(2000) } },
      422,
      'PROPERTY_VALUE_INVALID',
      'at most 4096',
    ],
    ['another template', { body: { value: '{{> a}}' } }, 422, 'PROPERTY_VALUE_INVALID', 'there are none'],
    ['blanks in a tag', { body: { value: `{{a${' '.repeat(4000)}b}}` } }, 422, 'PROPERTY_VALUE_INVALID', '100 blanks'],
    ['delimiters only', { body: { value: '{{=a=}}' } }, 422, 'PROPERTY_VALUE_INVALID', 'Invalid tags'],
  ]),
  ...at('PUT', enabledIds, [
    ['10,000 commas and more', { body: { value: ','.repeat(20_000) } }, 422, 'BODY_INVALID', 'value'],
    [
      'a list of 800 long ids',
      { body: { value: Array.from({ length: 800 }, () => 'x'.repeat(60)) } },
      422,
      'PROPERTY_VALUE_INVALID',
      'at most 16384 characters',
    ],
  ]),
  ...at('PUT', '/v1/config/context-sets/hostile', [
    [
      'deep parentheses',
      { body: { rank: 1, withTags: '('.repeat(9000) } },
      422,
      'BODY_INVALID',
      'withTags must be tags',
    ],
    ['many negations', { body: { rank: 1, withTags: '!'.repeat(9000) } }, 422, 'BODY_INVALID', 'withTags must be tags'],
    ['a long expression', { body: { rank: 1, withTags: 'a|'.repeat(20_000) } }, 422, 'BODY_INVALID', 'at most 10000'],
  ]),
  [
    'a property with a name like no other',
    'PUT',
    `/v1/config/server/properties/${'a.'.repeat(199)}`,
    { body: { value: 1 } },
    422,
    'PROPERTY_UNKNOWN',
    'There is no property a.a.',
  ],
  ...at('POST', '/v1/subscriptions', [
    ['a long pattern', register({ topics: ['a:'.repeat(20_000)] }), 422, 'BODY_INVALID', 'topics.0 must be a topic'],
    ['a pattern of stars', register({ topics: [':*'.repeat(120)] }), 422, 'BODY_INVALID', 'topics.0 must be a topic'],
    ['a thousand patterns', register({ topics: Array(1000).fill('a:*') }), 422, 'BODY_INVALID', 'at most 100 topics'],
    ['a long client', register({ client: 'a'.repeat(50_000) }), 422, 'BODY_INVALID', 'client must be 1 to 64'],
    ['a long token', register({ token: 'a'.repeat(50_000) }), 422, 'BODY_INVALID', 'token'],
    ['a URI of dots', hook(`https://push.example.com/${'../'.repeat(1300)}`), 422, 'WEBHOOK_URI_REFUSED', 'URI must'],
    [
      'a URI of percents',
      hook(`https://push.example.com/%${'25'.repeat(2000)}2e`),
      422,
      'WEBHOOK_URI_REFUSED',
      'URI must',
    ],
    ['a URI of labels', hook(`https://${'a.'.repeat(2000)}`), 422, 'WEBHOOK_URI_REFUSED', 'URI must'],
    ['a URI of colons', hook(`https://${':'.repeat(4000)}`), 422, 'WEBHOOK_URI_REFUSED', 'URI must'],
    ['a URI of at signs', hook(`https://a${'@'.repeat(4000)}`), 422, 'WEBHOOK_URI_REFUSED', 'URI must'],
    ['meta 5,000 lists deep', withNested(subscription, 'meta', 5000), 422, 'BODY_INVALID', 'deeper than 64 levels'],
    ['meta 20,000 lists deep', withNested(subscription, 'meta', 20_000), 422, 'BODY_INVALID', 'deeper than 64 levels'],
  ]),
  [
    'a change of meta 5,000 lists deep',
    'PATCH',
    '/v1/subscriptions/4fd7cb5c-6a2e-4a0e-8d5a-1c1f6a3a9f10',
    withNested({}, 'meta', 5000),
    422,
    'BODY_INVALID',
    'deeper than 64 levels',
  ],
  ...at('POST', ingest, [
    [
      'a payload 20,000 lists deep',
      withNested(mail, 'payload', 20_000),
      422,
      'PAYLOAD_INVALID',
      'deeper than 64 levels',
    ],
    ['a long topic', post({ topic: 'a:'.repeat(20_000) }), 422, 'TOPIC_INVALID', 'topic must be'],
    ['a long key', post({ aggregationKey: '字'.repeat(5000) }), 422, 'NOTIFICATION_INVALID', 'at most 255'],
    ['a huge key', post({ aggregationKey: '字'.repeat(5_000_000) }), 413, 'PAYLOAD_TOO_LARGE', 'bytes'],
  ]),
  ...at('PUT', '/v1/contexts/1/users/14', [
    ['an address of at signs', { body: { primaryEmail: 'a@'.repeat(20_000) } }, 422, 'BODY_INVALID', 'primaryEmail'],
    ['a long tag', { body: { tags: ['a'.repeat(50_000)] } }, 422, 'BODY_INVALID', 'tags.0'],
    ['a long login', { body: { logins: ['\u0301'.repeat(20_000)] } }, 422, 'BODY_INVALID', 'logins.0'],
  ]),
  ...at('GET', `/v1/config/context-sets?cursor=${cursor(nested(220))}`, [
    ['a cursor 220 lists deep', {}, 400, 'CURSOR_INVALID', 'nextCursor'],
  ]),
  ...at('GET', `/v1/subscriptions?cursor=${cursor('9'.repeat(400))}`, [
    ['a cursor of digits', {}, 400, 'CURSOR_INVALID', 'nextCursor'],
  ]),
  ...at('GET', '/v1/subscriptions', [
    [
      'a key behind many blanks',
      { key: null, headers: { authorization: `Bearer ${' '.repeat(7000)}\u00e9` } },
      401,
      'API_KEY_UNKNOWN',
      'not known',
    ],
  ]),
];
