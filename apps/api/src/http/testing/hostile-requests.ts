import { dovecot, mail, someId } from './bad-request';

/** A request whose parts are sent unchanged. */
export interface HostileRequest {
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A path of the server, with parameters as in `/:id`, and its methods. */
export interface Route {
  readonly path: string;
  readonly methods: readonly string[];
}

/** Valid values of parameters, by their names. */
const parameters: Readonly<Record<string, string>> = {
  id: someId,
  context: '901',
  user: '902',
  client: 'hostile',
  transport: 'webhook',
  name: 'com.openexchange.pns.delayDuration',
  set: 'hostile',
};

const phone = { client: 'mobile', transport: 'apns', token: 'abc', topics: ['ox:mail:*'], meta: { a: 'b' } };
const ofUser = { context: 901, user: 902 };
const value = { value: 1000 };

/** A valid body of each route that takes one. */
const bodies: Readonly<Record<string, object>> = {
  'POST /v1/notifications': { ...mail, sourceToken: 'a', ttlSeconds: 60, aggregationKey: 'k', id: 'n' },
  'PUT /preliminary/http-notify/v1/notify': { ...dovecot, from: 'A <a@b.c>', subject: 's', snippet: 't', unseen: 1 },
  'POST /v1/webhooks/ox/:id': { event: 'ox:mail:new', payload: { ...ofUser, folder: 'a' }, timestamp: 1 },
  'POST /v1/subscriptions': { ...ofUser, ...phone },
  'PATCH /v1/subscriptions/:id': { topics: ['*'], meta: { a: 'b' } },
  'POST /v1/sessions': { ...ofUser, client: 'mobile', ttlSeconds: 60 },
  'PUT /v1/contexts/:context': { name: 'hostile', tags: ['a'] },
  'PUT /v1/contexts/:context/users/:user': { primaryEmail: 'a@b.c', logins: ['hostile@b.c'], tags: ['a'] },
  'POST /v1/api-keys': { name: 'k', scopes: ['ingest'], contexts: [1], expiresAt: '2999-01-01T00:00:00Z' },
  'PUT /ajax/pns': phone,
  'PUT /appsuite/api/pns': phone,
  'PUT /v1/clients/:client/transports/:transport': { uri: 'https://push.example.com/', login: 'a', password: 'b' },
  'POST /v1/deliveries/retry': { ids: ['a'], ...ofUser, client: 'mobile', transport: 'apns', topic: 'x' },
  'POST /v1/endpoints/enable': { context: 901, client: 'crm', transport: 'webhook' },
  'PUT /v1/config/server/properties/:name': value,
  'PUT /v1/config/context-sets/:set': { rank: 1, withTags: 'a & b' },
  'PUT /v1/config/context-sets/:set/properties/:name': value,
  'PUT /v1/config/contexts/:context/properties/:name': value,
  'PUT /v1/config/contexts/:context/users/:user/properties/:name': value,
};

const segments = [
  ...['..', '.', '%2e%2e', '%2E', '..;', '..%5c..', '%5c', '%2f', '%252e', '%00', 'a%00b', '%', '%zz', '%ff', '%c0%af'],
  ...['%ed%a0%80', '%F0%9F%98%80', '\u00e9', '-1', '0', '1e3', '0x1', '2147483648', '99999999999999999999', 'NaN', '*'],
  ...['__proto__', 'constructor', 'toString', "'--", '%27%3b', '$%7b1%7d', '%0d%0aX:%201', ':', '@', 'a,b', ' '.trim()],
  'x'.repeat(1300),
  '%41'.repeat(1500),
];

const queries = [
  ...['?', '?&&&', '?=', '?a', '?__proto__=1', '?constructor=1', '?limit=1&limit=2', '?cursor=a&cursor=b', '?limit='],
  ...['?limit=%00', '?cursor=%00', '?cursor=%ff', '?cursor=MTIz', '?cursor=eyJhIjoxfQ', '?limit=1e3', '?%', '?a=%zz'],
  ...[
    '?context=2147483648',
    '?context=1&context=2',
    '?context[]=1',
    '?context[a]=1',
    '?user=-1',
    '?topic=%00',
    '?%00=1',
  ],
  ...['?token=%00', '?client=%00', '?transport=__proto__', '?prefix=%00&context=1&user=1', '?outcome=constructor'],
  ...['?action=subscribe&action=x', '?session=a&session=b', '?session=%00', '?from=x&to=y', '?since=%00', '?by=%00'],
  `?a=${'x'.repeat(9000)}`,
  `?${'a=1&'.repeat(3000)}`,
];

type Headers = Readonly<Record<string, string>>;

const headers: readonly Headers[] = [
  ...['gzip', 'br', 'identity, gzip', '', '\u00e9'].map((encoding) => ({ 'content-encoding': encoding })),
  ...[
    '*',
    '"1"',
    'W/"1"',
    '"1", "2"',
    '""',
    '"x',
    'x',
    '"99999999999999999999"',
    ', ,',
    '\u00e9',
    `"${'1'.repeat(5000)}"`,
  ].flatMap((tag): Headers[] => [{ 'if-match': tag }, { 'if-none-match': tag }]),
  ...['', 'a b', 'x'.repeat(300), '\u00e9'].map((key) => ({ 'idempotency-key': key })),
  ...['', '\u00e9', 'x'.repeat(3000)].map((id) => ({ 'x-request-id': id })),
  ...['', 'Bearer', 'Bearer \u00e9', 'Basic', 'Basic Og==', 'Digest a', `Bearer ${'a.'.repeat(2000)}`].map(
    (authorization) => ({
      authorization,
    }),
  ),
  { expect: '100-continue' },
  { accept: 'text/\u00e9', 'accept-encoding': '*', 'accept-version': '9' },
  { range: 'bytes=9-1,5-', 'if-range': 'x', 'if-modified-since': 'yesterday' },
  { traceparent: '00-zz-zz-zz', tracestate: '=' },
  { 'x-http-method-override': 'DELETE', 'x-forwarded-for': "'", forwarded: 'for="_x' },
];

const contentTypes = [
  ...[
    '',
    'application',
    'application/',
    '/json',
    'text/plain',
    'text/xml',
    'application/x-ndjson',
    'multipart/form-data',
  ],
  ...['application/x-www-form-urlencoded', 'application/json; charset=utf-16', 'application/json;charset="utf-8"'],
  ...['application/json; charset', 'application/json;;;', '\u00e9', 'application/cloudevents+json', 'application/JSON'],
  `application/json; a=${'x'.repeat(3000)}`,
];

const texts: readonly (string | Buffer)[] = [
  ...[
    '',
    ' ',
    '{',
    '}',
    '[]',
    '{}',
    'null',
    'true',
    '0',
    '""',
    '"\\ud800"',
    '1e400',
    '-',
    '{"a":1,}',
    '{"a":1}{"a":1}',
    'NaN',
  ],
  ...['{"__proto__":{"a":1}}', '{"constructor":{"prototype":{"a":1}}}', '{"toJSON":1}', '{"then":1}', '{"length":-1}'],
  ...[
    '{"a":1,"a":2}',
    '{"\\ud800":1}',
    '{"":1}',
    '{"a.b":1}',
    '[[[[[[[[[[]]]]]]]]]]',
    '\ufeff{}',
    '\u0000',
    '{"a":"\u0000"}',
  ],
  '['.repeat(30_000),
  '{"a":'.repeat(10_000),
  `${'{"a":'.repeat(60)}1${'}'.repeat(60)}`,
  `[${'0,'.repeat(30_000)}0]`,
  `{${Array.from({ length: 5000 }, (_, index) => `"${index.toString(36)}":${index}`).join(',')}}`,
  `{"notifications":[${'{},'.repeat(900)}{}]}`,
  Buffer.from('\ufeff{"a":1}', 'utf16le'),
  Buffer.from([0x22, 0xff, 0x22]),
  Buffer.from([0x1f, 0x8b, 0x08, 0x00]),
];

/** Hostile values, as JSON. Each of them replaces every value of a body in turn. */
const values: readonly string[] = [
  ...[
    'null',
    'true',
    '""',
    '"\\u0000"',
    '"a\\u0000b"',
    '"\\ud800"',
    '"\\ude00a"',
    '"\ufffe\uffff"',
    '"../../x"',
    '"%00"',
  ],
  ...[
    '0',
    '-1',
    '-0',
    '1.5',
    '2147483648',
    '9007199254740993',
    '1e400',
    '1e-400',
    '1e308',
    '[]',
    '[[]]',
    '[null]',
    '{}',
  ],
  ...['{"__proto__":{"a":1}}', '{"constructor":{"prototype":1}}', '{"toString":1}', '["__proto__"]', '"\\r\\nX: 1"'],
  `"${'x'.repeat(60_000)}"`,
  `"${'\\u0000'.repeat(3000)}"`,
  `[${'"a",'.repeat(5000)}"a"]`,
  `[${'1,'.repeat(20_000)}1]`,
  `${'{"a":'.repeat(55)}1${'}'.repeat(55)}`,
  `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
  `{${Array.from({ length: 3000 }, (_, index) => `"${index.toString(36)}":"\\u0000"`).join(',')}}`,
];

const oddMethods = [
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'QUERY',
  'PURGE',
  'HEAD',
  'PATCH',
  'POST',
  'PUT',
  'DELETE',
  'get',
  'FOO',
];

/** Every hostile request to a route. */
export function hostileRequests(route: Route): HostileRequest[] {
  const { path, methods } = route;
  const good = filled(path);
  const named = [...path.matchAll(/:([A-Za-z]+)/g)].map(([, name = '']) => name);
  const targets = [
    ...named.flatMap((name) => segments.map((segment) => filled(path, { [name]: segment }))),
    ...[
      '/',
      '//',
      '/..',
      '/../..',
      '/.',
      '%00',
      '/%00',
      '/%2e%2e/x',
      '\\',
      '/..%5c..',
      ';a=b',
      '%',
      '%ff',
      '*',
      '/*',
    ].map((end) => `${good}${end}`),
    ...['/', '/..', '/%2e', '/\\', 'http://evil.example', '//evil.example'].map((start) => `${start}${good}`),
    good.toUpperCase(),
    ...queries.map((query) => `${good}${query}`),
  ];
  // Fastify answers a HEAD with the handler of the GET, so only headers are tested with HEAD.
  return methods.flatMap((method): HostileRequest[] => {
    if (method === 'HEAD' && methods.includes('GET'))
      return headers.map((given) => ({ method, target: good, headers: given }));
    const takesBody = !['GET', 'HEAD', 'DELETE'].includes(method);
    const body = bodyOf(method, path);
    const usual = body === undefined ? {} : { body: JSON.stringify(body) };
    return [
      ...targets.map((target) => ({ method, target, ...usual })),
      ...headers.map((given) => ({ method, target: good, headers: given, ...usual })),
      ...(takesBody ? contentTypes : contentTypes.slice(0, 3)).map((type) => ({
        ...{ method, target: good, headers: { 'content-type': type }, body: usual.body ?? '{}' },
      })),
      ...(takesBody ? texts : texts.slice(0, 3)).map((text) => ({ method, target: good, body: text })),
      ...(body === undefined ? [] : changed(body).map((text) => ({ method, target: good, body: text }))),
    ];
  });
}

/** NDJSON streams with a hostile line: alone, and between two valid lines. */
export function hostileStreams(): HostileRequest[] {
  const target = '/v1/notifications';
  const good = JSON.stringify(mail);
  const lines = [...texts, ...changed(bodyOf('POST', target) ?? {})].map((text) => Buffer.from(text));
  const bodies = [
    ...lines,
    ...lines.map((line) => Buffer.concat([Buffer.from(`${good}\n`), line, Buffer.from(`\r\n${good}`)])),
  ];
  const sent = { method: 'POST', target, headers: { 'content-type': 'application/x-ndjson' } };
  return bodies.map((body) => ({ ...sent, body }));
}

/** Requests with methods that the route does not accept, with and without a body. */
export function oddRequests({ path, methods }: Route): HostileRequest[] {
  return oddMethods
    .filter((method) => !methods.includes(method))
    .flatMap((method) => [
      { method, target: filled(path) },
      { method, target: filled(path), body: '['.repeat(30_000) },
    ]);
}

/** The methods of the route that need a body, but have no valid one in this file. */
export function lacksBody({ path, methods }: Route): string[] {
  return methods
    .filter((method) => ['POST', 'PUT', 'PATCH'].includes(method) && !/\/(test|rotate)$/.test(path))
    .filter((method) => bodyOf(method, path) === undefined)
    .map((method) => `${method} ${path}`);
}

function bodyOf(method: string, path: string): object | undefined {
  return bodies[`${method} ${path}`];
}

function filled(path: string, odd: Readonly<Record<string, string>> = {}): string {
  return path.replace(/:([A-Za-z]+)/g, (_, name: string) => odd[name] ?? parameters[name] ?? 'x');
}

const placeholder = '"\u0001"';

/**
 * Variants of the body as JSON: each value in turn is replaced by each hostile value, or one member with a hostile value is
 * added.
 */
function changed(body: object): string[] {
  const places: string[] = [JSON.stringify({ ...body, more: '\u0001' })];
  const visit = (value: unknown, put: (changed: unknown) => object): void => {
    places.push(JSON.stringify(put('\u0001')));
    if (Array.isArray(value)) {
      value.forEach((each, at) =>
        visit(each, (other) => put(value.map((own: unknown, index) => (index === at ? other : own)))),
      );
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, each] of Object.entries(value)) visit(each, (other) => put({ ...value, [name]: other }));
    }
  };
  for (const [name, each] of Object.entries(body)) visit(each, (other) => ({ ...body, [name]: other }));
  const marked = JSON.stringify(placeholder.slice(1, -1));
  return places.flatMap((place) => values.map((value) => place.replace(marked, () => value)));
}
