import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { testApi, type TestApi, type TestAnswer } from '../testing/test-api';

const secret = 'a secret of App Suite';
const file = `
appsuite:
  signatureSecret: ${secret}
  previousSignatureSecret: the secret before it
  webhookSecret: Bearer 0815
signed:
  signatureSecret: ${secret}
  contexts: [1]
basic:
  login: appsuite
  password: "p\u00e4ss:word"
renamed:
  signatureSecret: ${secret}
  signatureHeaderName: X-My-Signature
  version: 2
broken:
  contexts: [1]
`;

const mail = {
  event: 'ox:mail:new',
  payload: {
    ...{ folder: 'default0/INBOX', id: '113', email: 'jane.doe@example.com', displayname: 'Jane Doe' },
    ...{ subject: "Let's meet", unread: 83, teaser: 'Hello', user: 14, context: 1, email1: 'john@example.com' },
  },
  timestamp: 1694677849605,
};

const calendar = {
  event: 'ox:calendar:updates',
  payload: {
    ...{ folders: ['cal://0/216759', 'cal://0/30'], sourceToken: '16946778318313953327844' },
    ...{ user: 14, context: 1, email1: 'john@example.com' },
  },
  timestamp: 1694677849605,
};

let api: TestApi;

beforeAll(async () => {
  api = await testApi({ files: { 'webhook-producers.yml': file } });
});

afterAll(() => api.close());

async function clear(): Promise<void> {
  const keys = await api.redis.keys(`*${api.redisPrefix}*`);
  if (keys.length > 0) await api.redis.del(...keys);
}

async function waiting(): Promise<Record<string, unknown>[]> {
  const items = await Promise.all([0, 1, 2, 3].map((shard) => api.redis.hvals(`{${api.redisPrefix}:${shard}}:items`)));
  return items.flat().map((item) => JSON.parse(item) as Record<string, unknown>);
}

interface Signing {
  readonly secret?: string;
  readonly at?: number;
  readonly version?: number;
}

function signature(text: string, { secret: own = secret, at = Date.now(), version = 1 }: Signing = {}): string {
  const digest = createHmac('sha256', own).update(`v${version}:${at}:${text}`).digest('hex');
  return `t=${at}, v${version}=${digest}`;
}

interface Sent {
  readonly id?: string;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** Sends App Suite's request for a new mail with the given changes. A header that is undefined is not sent. */
function send({ id = 'appsuite', text = JSON.stringify(mail), headers = {} }: Sent = {}): Promise<
  TestAnswer<Record<string, unknown>>
> {
  const all = {
    'content-type': 'application/json; charset=UTF-8',
    authorization: 'Bearer 0815',
    'x-ox-signature': signature(text),
    ...headers,
  };
  const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return api.send('POST', `/v1/webhooks/ox/${id}`, { body: text, headers: Object.fromEntries(sent), key: null });
}

const basic = (credentials: string, encoding: 'latin1' | 'utf8') =>
  `Basic ${Buffer.from(credentials, encoding).toString('base64')}`;

describe('a request of App Suite', () => {
  beforeEach(clear);

  it.each([
    ['a new mail', mail, { topic: 'ox:mail:new' }],
    ['a change of calendars', calendar, { topic: 'ox:calendar:updates', sourceToken: '16946778318313953327844' }],
  ])('with %s becomes a notification, and its repeat is harmless', async (_name, event, expected) => {
    const text = JSON.stringify(event);
    const first = await send({ text });
    expect(first).toMatchObject({ status: 202, body: { accepted: 1, notifications: [{ status: 'accepted' }] } });
    const again = await send({ text });
    const { notifications } = first.body as { notifications: { id: string }[] };
    expect(again).toMatchObject({
      status: 202,
      body: { accepted: 0, notifications: [{ id: notifications[0]?.id, status: 'duplicate' }] },
    });
    const { user, context, email1, sourceToken, ...payload } = event.payload as Record<string, unknown>;
    void [email1, sourceToken];
    const stored = await waiting();
    expect(stored).toMatchObject([{ ...expected, user, context, priority: 'high' }]);
    expect(stored[0]?.['payload']).toEqual(payload);
  });

  it('with another id in a header, which is not signed, is the same notification', async () => {
    await send({ headers: { 'webhook-id': 'msg_1' } });
    for (const id of ['msg_2', undefined]) {
      expect(await send({ headers: { 'webhook-id': id } })).toMatchObject({ status: 202, body: { accepted: 0 } });
    }
    expect(await send({ id: 'signed' })).toMatchObject({ status: 202, body: { accepted: 0 } });
    expect(await waiting()).toHaveLength(1);
  });

  it('is remembered as long as a signature can be repeated, also if the retention is shorter', async () => {
    const property = '/v1/config/contexts/1/users/14/properties/com.openexchange.pns.idempotency.retention';
    expect((await api.send('PUT', property, { body: { value: 1000 } })).status).toBe(200);
    expect(await send()).toMatchObject({ status: 202, body: { accepted: 1 } });
    const [key = ''] = await api.redis.keys(`*${api.redisPrefix}*:id:*`);
    expect(await api.redis.pttl(key)).toBeGreaterThan(10 * 60_000);
    expect((await api.send('DELETE', property)).status).toBe(204);
  });

  it.each<[string, Sent]>([
    [
      'the previous secret',
      { headers: { 'x-ox-signature': signature(JSON.stringify(mail), { secret: 'the secret before it' }) } },
    ],
    ['two signatures', { headers: { 'x-ox-signature': `${signature(JSON.stringify(mail))}, v1=${'0'.repeat(64)}` } }],
    [
      'a clock that is two minutes late',
      { headers: { 'x-ox-signature': signature(JSON.stringify(mail), { at: Date.now() - 120_000 }) } },
    ],
    [
      'a clock that is two minutes early',
      { headers: { 'x-ox-signature': signature(JSON.stringify(mail), { at: Date.now() + 120_000 }) } },
    ],
    ['only a signature', { id: 'signed', headers: { authorization: undefined } }],
    [
      'only Basic in ISO-8859-1',
      {
        id: 'basic',
        headers: { authorization: basic('appsuite:p\u00e4ss:word', 'latin1'), 'x-ox-signature': undefined },
      },
    ],
    [
      'only Basic in UTF-8',
      {
        id: 'basic',
        headers: { authorization: basic('appsuite:p\u00e4ss:word', 'utf8'), 'x-ox-signature': undefined },
      },
    ],
    [
      'another header and version',
      { id: 'renamed', headers: { 'x-my-signature': signature(JSON.stringify(mail), { version: 2 }) } },
    ],
  ])('is accepted with %s', async (_name, sent) => {
    expect(await send(sent)).toMatchObject({ status: 202, body: { accepted: 1 } });
  });
});

const text = JSON.stringify(mail);
const changed = (changes: object) => JSON.stringify({ ...mail, payload: { ...mail.payload, ...changes } });
const of = (event: unknown): Sent => ({ text: typeof event === 'string' ? event : JSON.stringify(event) });
const minutes = 60_000;
const signed = (signing: Signing): Sent => ({ headers: { 'x-ox-signature': signature(text, signing) } });
const header = (value: string | undefined): Sent => ({ headers: { 'x-ox-signature': value } });
const credentials = (authorization: string | undefined): Sent => ({ headers: { authorization } });

/** A request with the signature of the recorded mail and another body. */
const tampered = (body: string): Sent => ({ text: body, headers: { 'x-ox-signature': signature(text) } });

const refused: readonly (readonly [name: string, sent: Sent, status: number, code: string, fragment: string])[] = [
  ...(
    [
      ['another user', tampered(changed({ user: 15 })), 'No signature in X-OX-Signature'],
      ['another context', tampered(changed({ context: 2 })), 'No signature'],
      ['another subject', tampered(changed({ subject: 'Hello' })), 'No signature'],
      ['another topic', tampered(text.replace('mail:new', 'mail:old')), 'No signature'],
      ['another timestamp', tampered(text.replace('605', '606')), 'No signature'],
      ['a blank more', tampered(`${text} `), 'No signature'],
      ['a byte less', tampered(text.slice(0, -1)), 'No signature'],
      ['other line ends', tampered(`${text}\n`), 'No signature'],
      [
        'fields in another order',
        tampered(JSON.stringify({ timestamp: mail.timestamp, event: mail.event, payload: mail.payload })),
        'No signature',
      ],
      ['an escape sequence for a character', tampered(text.replace('Hello', '\\u0048ello')), 'No signature'],
      ['no body', tampered(''), 'No signature'],
      ['the body of another event', tampered(JSON.stringify(calendar)), 'No signature'],
      [
        'a later time in the header',
        header(signature(text).replace(/t=\d+/, `t=${Date.now() + 1000}`)),
        'No signature',
      ],
      ['a signature of another version', header(signature(text).replace('v1', 'v2')), 'must be t=<ms>, v1='],
      [
        'one digit of the signature changed',
        header(signature(text).replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))),
        'No signature',
      ],
      ['a signature that is cut', header(signature(text).slice(0, -2)), 'must be t='],
      ['a signature in base64', header(`t=${Date.now()}, v1=${Buffer.alloc(32).toString('base64')}`), 'must be t='],
      ['no time', header(signature(text).replace(/t=\d+, /, '')), 'must be t='],
      ['two times', header(`t=1, ${signature(text)}`), 'must be t='],
      ['no signature header', header(undefined), 'The header X-OX-Signature is missing'],
      ['an empty signature header', header(''), 'must be t='],
      ['a signature of six minutes ago', signed({ at: Date.now() - 6 * minutes }), 'more than 5 minutes'],
      ['a signature of a day ago', signed({ at: Date.now() - 1440 * minutes }), 'more than 5 minutes'],
      ['the time of the recording', signed({ at: mail.timestamp }), 'more than 5 minutes'],
      ['a time in seconds', signed({ at: Math.floor(Date.now() / 1000) }), 'more than 5 minutes'],
      ['a signature of the next hour', signed({ at: Date.now() + 60 * minutes }), 'more than 5 minutes'],
      ['another secret', signed({ secret: 'guessed' }), 'No signature'],
      ['an empty secret', signed({ secret: '' }), 'No signature'],
      ['no Authorization', credentials(undefined), 'its Authorization is not known'],
      ['another Authorization', credentials('Bearer 0816'), 'its Authorization is not known'],
      ['the start of the Authorization', credentials('Bearer 081'), 'its Authorization is not known'],
      ['another case of the Authorization', credentials('bearer 0815'), 'its Authorization is not known'],
      ['an API key', credentials('Bearer the bootstrap key of these tests'), 'its Authorization is not known'],
      [
        'another password',
        { id: 'basic', ...credentials(basic('appsuite:other', 'utf8')) },
        'its Authorization is not known',
      ],
      [
        'another login',
        { id: 'basic', ...credentials(basic('other:p\u00e4ss:word', 'utf8')) },
        'its Authorization is not known',
      ],
      ['the credentials of another entry', { id: 'basic' }, 'its Authorization is not known'],
      ['an id that is not configured', { id: 'switchboard' }, 'not known'],
      ['the id of an entry with a fault', { id: 'broken' }, 'not known'],
      ['the name of a built-in property as id', { id: 'constructor' }, 'not known'],
      ['the header of another entry', { id: 'renamed' }, 'The header X-My-Signature is missing'],
      [
        'a context that is not allowed',
        { id: 'signed', text: changed({ context: 2 }) },
        'may not send notifications for this context',
      ],
    ] as const
  ).map(([name, sent, fragment]) => [name, sent, 401, 'PRODUCER_REFUSED', fragment] as const),

  ['a signed body that is not JSON', of('{"event":'), 400, 'BODY_MALFORMED', 'not valid JSON'],
  ['a signed list', of([mail]), 422, 'NOTIFICATION_INVALID', 'must be a JSON object'],
  ['a signed event without a payload', of({ event: 'ox:mail:new' }), 422, 'NOTIFICATION_INVALID', 'payload is missing'],
  [
    'a signed event without a user',
    of(changed({ user: undefined })),
    422,
    'NOTIFICATION_INVALID',
    'payload.user is missing',
  ],
  [
    'a signed event with a user as text',
    of(changed({ user: '14' })),
    422,
    'NOTIFICATION_INVALID',
    'payload.user must be',
  ],
  ['a signed event without a topic', of({ ...mail, event: undefined }), 422, 'TOPIC_INVALID', 'event is missing'],
  ['a signed event with a bad topic', of({ ...mail, event: 'ox.mail' }), 422, 'TOPIC_INVALID', 'event must be words'],
  ['a signed mail without a folder', of(changed({ folder: undefined })), 422, 'PAYLOAD_INVALID', 'payload.folder'],
  [
    'a signed number that would be altered',
    of(text.replace('83', '12345678901234567890')),
    422,
    'NOTIFICATION_INVALID',
    'cannot be sent unchanged',
  ],
  [
    'a signed payload that is too large',
    of(changed({ teaser: 'x'.repeat(70_000) })),
    413,
    'PAYLOAD_TOO_LARGE',
    'at most 65536',
  ],
  [
    'another Content-Type',
    { headers: { 'content-type': 'text/plain' } },
    415,
    'MEDIA_TYPE_UNSUPPORTED',
    'application/json',
  ],
];

describe('a tampered, old, foreign or invalid request', () => {
  let before: Record<string, string[]>;

  beforeAll(async () => {
    await clear();
    before = await api.contents();
  });

  it.each(refused)('is refused: %s', async (_name, sent, status, code, fragment) => {
    const answer = await send(sent);
    expect(answer).toMatchObject({ status, body: { status, code } });
    expect(answer.body['detail']).toContain(fragment);
    if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^(Basic|X-OX-Signature) realm="pns"$/);
  });

  it('is tested with forty tampered, old or foreign ones', () => {
    expect(refused.filter(([, , status]) => status === 401).length).toBeGreaterThanOrEqual(40);
  });

  it('never gets a status for which App Suite deletes the subscription', () => {
    expect(refused.filter(([, , status]) => [403, 404, 405].includes(status))).toEqual([]);
  });

  it('changes nothing', async () => expect(await api.contents()).toEqual(before));

  it.each([
    ['without credentials', {}],
    [
      'with an old signature',
      { authorization: 'Bearer 0815', 'x-ox-signature': signature(text, { at: 1694677849605 }) },
    ],
  ])('%s is refused before its body is read', async (_name, extra) => {
    const headers = { 'content-type': 'application/json', 'content-length': 100_000, ...extra };
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(`${api.url}/v1/webhooks/ox/appsuite`, { method: 'POST', headers }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.write('{'); // the body is never completed
    });
    expect(status).toBe(401);
  });
});

it('an entry without any secret is a fault of the configuration', async () => {
  const { body } = await api.send('GET', '/v1/config/faults');
  expect(body['items']).toMatchObject([{ file: 'webhook-producers.yml', entry: 'broken', severity: 'error' }]);
});
