import { batched, binary, event, structured } from '../http/testing/bad-cloud-events';
import { testApi, type TestApi } from '../testing/test-api';

interface Answer {
  readonly accepted: number;
  readonly notifications: readonly { readonly id: string; readonly status: string }[];
  readonly errors?: readonly { readonly index: number; readonly code: string }[];
}

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterEach(async () => {
  const keys = await api.redis.keys(`*${api.redisPrefix}*`);
  if (keys.length > 0) await api.redis.del(...keys);
});

afterAll(() => api.close());

async function waiting(): Promise<Record<string, unknown>[]> {
  const items = await Promise.all([0, 1, 2, 3].map((shard) => api.redis.hvals(`{${api.redisPrefix}:${shard}}:items`)));
  return items.flat().map((item) => JSON.parse(item) as Record<string, unknown>);
}

function post(body: unknown, headers: Record<string, string>, key?: string) {
  return api.send<Answer>('POST', '/v1/notifications', { body, headers, ...(key === undefined ? {} : { key }) });
}

const accepted = (id: string) => ({ accepted: 1, notifications: [{ id, status: 'accepted' }] });

const data = { appinfoA: 'abc', appinfoB: 123, appinfoC: true };

/** The attributes in the examples of the specification, and a subject. */
const example = {
  specversion: '1.0',
  type: 'com.example.someevent',
  source: '/mycontext',
  id: 'C234-1234-1234',
  subject: '14@1',
  time: '2018-04-05T17:31:00Z',
  comexampleextension1: 'value',
  comexampleothervalue: 5,
  unsetextension: null,
};

const asHeaders = (attributes: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value === null ? [] : [[`ce-${name}`, String(value)]])),
  );

describe.each([
  ['binary mode', data, { ...asHeaders(example), 'content-type': 'application/json; charset=utf-8' }],
  [
    'binary mode with another type of JSON',
    data,
    { ...asHeaders(example), 'content-type': 'application/vnd.mail+json' },
  ],
  ['structured mode', { ...example, datacontenttype: 'application/json', data }, structured],
  ['structured mode without a type of data', { ...example, data }, structured],
  [
    'structured mode with binary data',
    { ...example, data_base64: Buffer.from(JSON.stringify(data)).toString('base64') },
    structured,
  ],
])('the example of the specification in %s', (_mode, body, headers) => {
  it('becomes a notification, and its repeat a duplicate', async () => {
    expect(await post(body, headers)).toMatchObject({ status: 202, body: accepted('C234-1234-1234') });
    expect(await post(body, headers)).toMatchObject({
      status: 202,
      body: { accepted: 0, notifications: [{ id: 'C234-1234-1234', status: 'duplicate' }] },
    });
    expect(await waiting()).toMatchObject([
      { id: 'C234-1234-1234', context: 1, user: 14, topic: 'com:example:someevent', payload: data, priority: 'high' },
    ]);
  });
});

it.each(['Euro%20%E2%82%AC%20%F0%9F%98%80', 'Euro%20%e2%82%ac%20%f0%9f%98%80', '"Euro %E2%82%AC \\"%F0%9F%98%80\\""'])(
  'the example of the HTTP binding for binary mode is accepted, with the attribute %s',
  async (text) => {
    const attributes = {
      ...{ specversion: '1.0', type: 'com.example.someevent', source: '/mycontext/subcontext', id: '1234-1234-1234' },
      ...{ time: '2018-04-05T03:56:24Z', subject: '14@1', text },
    };
    const answer = await post(data, { ...asHeaders(attributes), 'content-type': 'application/json; charset=utf-8' });
    expect(answer).toMatchObject({ status: 202, body: accepted('1234-1234-1234') });
    expect(await waiting()).toMatchObject([{ id: '1234-1234-1234', topic: 'com:example:someevent', payload: data }]);
  },
);

it("the specification's batch becomes two notifications", async () => {
  const other = { ...example, type: 'com.example.someotherevent', source: '/mycontext/9', id: 'B234-1234-1234' };
  const { status, body } = await post(
    [
      { ...example, data },
      { ...other, data: {} },
    ],
    batched,
  );
  expect({ status, accepted: body.accepted }).toEqual({ status: 202, accepted: 2 });
  expect((await waiting()).map(({ topic }) => topic).sort()).toEqual([
    'com:example:someevent',
    'com:example:someotherevent',
  ]);
});

it('an empty batch is accepted', async () => {
  expect(await post([], batched)).toMatchObject({ status: 202, body: { accepted: 0, notifications: [] } });
});

it('a batch with bad events keeps the good ones and names the others', async () => {
  const events = [{ ...event, subject: 'x' }, event, 5, { ...event, id: 'B', type: 'a b' }];
  const { status, body } = await post(events, batched);
  expect(status).toBe(207);
  expect(body).toMatchObject({
    accepted: 1,
    errors: [
      { index: 0, code: 'NOTIFICATION_INVALID' },
      { index: 2, code: 'NOTIFICATION_INVALID' },
      { index: 3, code: 'TOPIC_INVALID' },
    ],
  });
});

it.each([
  ['a negative zero', '{"a":-0}', 'data_base64.a is a negative zero'],
  ['a name twice', '{"a":{"b":1,"b":1}}', 'data_base64.a.b occurs twice'],
  ['half a surrogate pair', '{"a":["\\ud800"]}', 'data_base64.a.0 contains half a surrogate pair'],
  ['bytes that are not UTF-8', Buffer.from('{"a":"\u00fc"}', 'latin1'), 'data_base64.a is not UTF-8'],
])('%s in encoded data is refused with the path of the field', async (_, text, sentence) => {
  const body = { ...event, type: 'x', data: undefined, data_base64: Buffer.from(text as string).toString('base64') };
  const detail = expect.stringContaining(sentence) as string;
  expect(await post(body, structured)).toMatchObject({ status: 422, body: { code: 'PAYLOAD_INVALID', detail } });
});

it('the data of an event in a batch may be nested as deep as that of a single event', async () => {
  const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) });
  const deepest = { ...event, type: 'x', id: 'deepest', data: nested(64) };
  const tooDeep = { ...event, type: 'x', id: 'too-deep', data: nested(65) };
  expect(await post([deepest, tooDeep], batched)).toMatchObject({
    status: 207,
    body: { notifications: [{ id: 'deepest' }], errors: [{ index: 1, code: 'PAYLOAD_INVALID' }] },
  });
  expect(await post(tooDeep, structured)).toMatchObject({ status: 422, body: { code: 'PAYLOAD_INVALID' } });
});

it('a batch that is too large to be parsed at once is read event by event', async () => {
  const text = 'x'.repeat(1000);
  const events = Array.from({ length: 300 }, (_, index) => ({
    ...event,
    id: `large-${index}`,
    type: 'x',
    data: { index, text },
  }));
  const { status, body } = await post([...events, { ...event, id: 'bad', source: '' }], batched);
  expect({ status, accepted: body.accepted }).toEqual({ status: 207, accepted: 300 });
  expect(body.errors).toMatchObject([{ index: 300, code: 'NOTIFICATION_INVALID' }]);
});

it('the same id of two sources is two notifications', async () => {
  const events = [event, { ...event, source: '/mail/backend-2', data: { folder: 'default0/Sent' } }];
  expect((await post(events, batched)).body).toMatchObject({ accepted: 2 });
  const producers = (await waiting()).map(({ producer }) => producer);
  expect(new Set(producers).size).toBe(2);
});

it('the id of a CloudEvent does not collide with the id of another notification', async () => {
  const mail = { context: 1, user: 14, topic: 'ox:mail:new', payload: { folder: 'default0/Sent' }, id: event.id };
  await post(mail, {});
  expect(await post(event, structured)).toMatchObject({ status: 202, body: accepted(event.id) });
});

it('the same id of one source with other data is refused', async () => {
  await post(event, structured);
  expect(await post({ ...event, data: { folder: 'default0/Sent' } }, structured)).toMatchObject({
    status: 422,
    body: { code: 'ID_REUSED' },
  });
});

it('the two modes of the same event are duplicates of each other', async () => {
  await post(event, structured);
  const { body } = await post(event.data, { ...binary });
  expect(body).toMatchObject({ notifications: [{ id: event.id, status: 'duplicate' }] });
});

it('header values are decoded once, quoted ones too', async () => {
  await post(event.data, { ...binary, 'ce-source': '"/mail%252F"', 'ce-subject': '%31%34@1' });
  expect(await post({ ...event, source: '/mail%2F' }, structured)).toMatchObject({
    body: { notifications: [{ status: 'duplicate' }] },
  });
});

it('headers of the other modes beside a structured event are ignored', async () => {
  expect(await post(event, { ...structured, ...binary, 'ce-subject': '15@1' })).toMatchObject({ status: 202 });
  expect(await waiting()).toMatchObject([{ user: 14 }]);
});

it('a key that is restricted to contexts posts events of these contexts only', async () => {
  const made = await api.send<{ key: string }>('POST', '/v1/api-keys', {
    body: { name: 'restricted', scopes: ['ingest'], contexts: [2] },
  });
  expect(await post(event, structured, made.body.key)).toMatchObject({
    status: 403,
    body: { code: 'CONTEXT_REFUSED' },
  });
  expect(await post({ ...event, subject: '14@2' }, structured, made.body.key)).toMatchObject({ status: 202 });
});

it('names at most ten faults of an event, because its sender chooses how many it has', async () => {
  const wrong = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`_${index}`, 0]));
  const answer = await api.send<{ detail: string; errors: unknown[] }>('POST', '/v1/notifications', {
    body: { ...event, ...wrong },
    headers: structured,
  });
  expect(answer.status).toBe(422);
  expect(answer.body.errors).toHaveLength(10);
  expect(answer.body.detail.length).toBeLessThan(2000);
});
