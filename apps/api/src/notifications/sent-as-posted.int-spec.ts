import fc from 'fast-check';
import { parseTree, type Node } from 'jsonc-parser';
import { isSendable, textOf, writtenObject, type Written } from '../json/testing/json-texts';
import { testApi, type TestApi, type TestRequest } from '../testing/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterEach(async () => {
  const keys = await api.redis.keys(`*${api.redisPrefix}*`);
  if (keys.length > 0) await api.redis.del(...keys);
});

afterAll(() => api.close());

const envelope = (payload: string, user = 14) => `{"context":1,"user":${user},"topic":"my:topic","payload":${payload}}`;
const good = envelope('{"good":true}', 15);
const padding = [16, 17, 18].map((user) => envelope(`{"pad":"${'x'.repeat(50_000)}"}`, user)).join(',');
const ndjson = { 'content-type': 'application/x-ndjson' };

/** Each format of a request, and whether it contains several payloads. */
const ways: readonly (readonly [name: string, request: (payload: string) => TestRequest, isOneOfSeveral: boolean])[] = [
  ['a single notification', (payload) => ({ body: envelope(payload) }), false],
  ['a batch', (payload) => ({ body: `{"notifications":[${envelope(payload)},${good}]}` }), true],
  ['a large batch', (payload) => ({ body: `{"notifications":[${envelope(payload)},${good},${padding}]}` }), true],
  ['NDJSON', (payload) => ({ body: `${envelope(payload)}\n${good}`, headers: ndjson }), true],
];

/** The text of the payload in the user's window. */
async function stored(user: number): Promise<string | undefined> {
  const items = await Promise.all([0, 1, 2, 3].map((shard) => api.redis.hvals(`{${api.redisPrefix}:${shard}}:items`)));
  const item = items.flat().find((each) => each.includes(`"user":${user},`));
  if (item === undefined) return undefined;
  const payload = parseTree(item)?.children?.find(({ children }) => children?.[0]?.value === 'payload')?.children?.[1];
  return payload && item.slice(payload.offset, payload.offset + payload.length);
}

/** A normal form: equal for two texts exactly if their values are equal. Numbers are compared by their digits. */
function exactValue(text: string, node: Node | undefined = parseTree(text)): unknown {
  if (node === undefined) throw new Error(`${text} is not JSON.`);
  const children = node.children ?? [];
  switch (node.type) {
    case 'object':
      return children
        .map(({ children: [name, value] = [] }) => [String(name?.value), exactValue(text, value)] as const)
        .sort(([one], [other]) => (one < other ? -1 : 1));
    case 'array':
      return { list: children.map((child) => exactValue(text, child)) };
    case 'number':
      return { number: plainDigits(text.slice(node.offset, node.offset + node.length)) };
    default:
      return { value: node.value as unknown };
  }
}

/** All digits of a number times ten to the power of 500, which makes it an integer. BigInt has no limits. */
function plainDigits(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const shift = Number(exponent) - fraction.length + 500;
  const digits = BigInt(`${whole}${fraction}`) * 10n ** BigInt(shift);
  return `${mantissa.startsWith('-') ? '-' : ''}${digits}`;
}

it.each(ways)(
  'any payload is sent unchanged, or refused with the name of the field: %s',
  async (_, request, isOneOfSeveral) => {
    let refusals = 0;
    await fc.assert(
      fc.asyncProperty(writtenObject, fc.constantFrom('', ' ', '\t'), async (payload: Written, blank) => {
        const keys = await api.redis.keys(`*${api.redisPrefix}*`);
        if (keys.length > 0) await api.redis.del(...keys);
        const text = textOf(payload, blank);
        const { status, body } = await api.send('POST', '/v1/notifications', request(text));
        if (isOneOfSeveral) expect(await stored(15)).toBe('{"good":true}');
        if (isSendable(payload)) {
          expect(status).toBe(202);
          expect(exactValue((await stored(14)) ?? '')).toEqual(exactValue(text));
          return;
        }
        refusals++;
        expect(await stored(14)).toBeUndefined();
        expect(status).toBe(isOneOfSeveral ? 207 : 422);
        const error = isOneOfSeveral ? (body['errors'] as Record<string, unknown>[])[0] : body;
        expect(error).toMatchObject({ code: 'PAYLOAD_INVALID' });
        expect(error?.['error'] ?? error?.['detail']).toMatch(/^payload\./);
      }),
      { numRuns: 150 },
    );
    expect(refusals).toBeGreaterThan(10); // fails if the samples are too uniform
  },
);

const pairs: readonly (readonly [one: string, other: string])[] = [
  ['{"a":9007199254740992}', '{"a":9007199254740994}'],
  ['{"a":0.1}', '{"a":0.10000000000000002}'],
  ['{"a":1}', '{"a":"1"}'],
  ['{"a":[1,[2]]}', '{"a":[[1],2]}'],
  ['{"a":null}', '{}'],
  ['{"a":{}}', '{"a":[]}'],
  ['{"a":"\\u0000"}', '{"a":"\\\\u0000"}'],
  ['{"é":1}', '{"e\u0301":1}'],
  ['{"constructor":{"prototype":1}}', '{"constructor":{"prototype":2}}'],
  ['{"toJSON":"a"}', '{"toJSON":"b"}'],
  ['{"a":1,"b":2}', '{"a":2,"b":1}'],
];

it.each(pairs)('%s and %s are two notifications', async (one, other) => {
  for (const payload of [one, other]) {
    expect((await api.send('POST', '/v1/notifications', { body: envelope(payload) })).status).toBe(202);
  }
  const items = await Promise.all([0, 1, 2, 3].map((shard) => api.redis.hlen(`{${api.redisPrefix}:${shard}}:items`)));
  expect(items.reduce((sum, each) => sum + each)).toBe(2);
});

it.each([
  ['{"a":1,"b":[2]}', '{"b":[2.0],"a":1e0}'],
  ['{"a":"\\u00e9"}', '{"a":"é"}'],
])('%s and %s are one notification', async (one, other) => {
  for (const payload of [one, other]) await api.send('POST', '/v1/notifications', { body: envelope(payload) });
  const items = await Promise.all([0, 1, 2, 3].map((shard) => api.redis.hlen(`{${api.redisPrefix}:${shard}}:items`)));
  expect(items.reduce((sum, each) => sum + each)).toBe(1);
});

it.each<[string, string | Buffer, string]>([
  ['sourceToken', envelope('{}').replace('"topic"', '"sourceToken":"\\ud800","topic"'), 'sourceToken'],
  ['aggregationKey', envelope('{}').replace('"topic"', '"aggregationKey":"\\udfff","topic"'), 'aggregationKey'],
  ['ttlSeconds', envelope('{}').replace('"topic"', '"ttlSeconds":1e400,"topic"'), 'ttlSeconds'],
  ['a field twice', envelope('{}').replace('"topic"', '"user":15,"topic"'), 'user'],
  ['a payload in ISO-8859-1', Buffer.from(envelope('{"a":{"b":"Grüße"}}'), 'latin1'), 'payload.a.b'],
  ['a field in ISO-8859-1', Buffer.from(envelope('{}').replace('my:topic', 'ü'), 'latin1'), 'topic'],
  ['a body in UTF-16', Buffer.from(`\ufeff${envelope('{}')}`, 'utf16le'), 'the notification'],
])('%s is refused with the name of the field', async (_, body, field) => {
  expect(await api.send('POST', '/v1/notifications', { body })).toMatchObject({
    status: 422,
    body: { errors: [{ field }] },
  });
});

it.each(['-0', '-0.0', '-0e5'])(
  'the number %s is refused with the name of the field, and other entries of the batch are accepted',
  async (zero) => {
    const payload = `{"a":[0,0.0,0e5,{"b":${zero}}]}`;
    const sentence = 'payload.a.3.b is a negative zero, which cannot be sent unchanged; send it as text';
    expect(await api.send('POST', '/v1/notifications', { body: envelope(payload) })).toMatchObject({
      status: 422,
      body: { code: 'PAYLOAD_INVALID', detail: `${sentence}.` },
    });
    const body = `{"notifications":[${envelope(payload)},${good}]}`;
    expect(await api.send('POST', '/v1/notifications', { body })).toMatchObject({
      status: 207,
      body: { accepted: 1, errors: [{ index: 0, error: `${sentence}.` }] },
    });
  },
);

it('a text that is not UTF-8 is refused in chunks and with another Content-Type too', async () => {
  const bytes = Buffer.from(envelope('{"a":"Grüße"}'), 'latin1');
  const chunks = new Blob([bytes.subarray(0, 60), bytes.subarray(60)]).stream();
  expect((await api.send('POST', '/v1/notifications', { body: chunks })).status).toBe(422);
  const headers = { 'content-type': 'application/json; charset=ISO-8859-1' };
  expect(await api.send('POST', '/v1/notifications', { body: bytes, headers })).toMatchObject({
    status: 415,
    body: { code: 'MEDIA_TYPE_UNSUPPORTED' },
  });
  const twice = { 'content-type': 'application/json; charset=utf-8; charset=ISO-8859-1' };
  expect((await api.send('POST', '/v1/notifications', { body: good, headers: twice })).status).toBe(415);
  const lines = Buffer.concat([bytes, Buffer.from(`\n${good}`)]);
  expect(await api.send('POST', '/v1/notifications', { body: lines, headers: ndjson })).toMatchObject({
    status: 207,
    body: { accepted: 1, errors: [{ index: 0, error: 'payload.a is not UTF-8.' }] },
  });
});
