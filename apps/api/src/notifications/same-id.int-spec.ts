import { testApi, type TestApi, type TestRequest } from '../testing/test-api';

interface Answer {
  readonly accepted?: number;
  readonly code?: string;
  readonly notifications?: readonly { readonly user?: number; readonly index?: number; readonly status: string }[];
  readonly errors?: readonly { readonly user?: number; readonly index: number; readonly code: string }[];
}

const path = '/v1/notifications';
const ndjson = { 'content-type': 'application/x-ndjson' };

let api: TestApi;
let sibling: TestApi;
let count = 0;

beforeAll(async () => {
  api = await testApi();
  sibling = await api.sibling();
});

afterAll(async () => {
  await sibling.close();
  await api.close();
});

/** A notification with an id that no other test uses. */
function fresh() {
  return { context: 1, user: 14, topic: 'my:topic', payload: { n: 1, text: 'a' }, id: `order-${++count}` };
}

function post(request: TestRequest, at: TestApi = api) {
  return at.send<Answer>('POST', path, request);
}

const others: readonly (readonly [what: string, change: object])[] = [
  ['payload', { payload: { n: 2, text: 'a' } }],
  ['payload by a member', { payload: { n: 1, text: 'a', more: null } }],
  ['payload by a type', { payload: { n: '1', text: 'a' } }],
  ['payload by an order', { payload: { n: 1, text: 'a', list: [1, 2] } }],
  ['topic', { topic: 'my:other' }],
  ['sourceToken', { sourceToken: 'x' }],
  ['priority', { priority: 'low' }],
  ['ttlSeconds', { ttlSeconds: 60 }],
  ['aggregationKey', { aggregationKey: 'x' }],
];

it.each(others)('the same id with another %s is refused', async (_, change) => {
  const first = fresh();
  expect((await post({ body: first })).status).toBe(202);
  const answer = await post({ body: { ...first, ...change } });
  expect(answer).toMatchObject({ status: 422, body: { code: 'ID_REUSED' } });
  expect((await post({ body: first })).body).toMatchObject({ accepted: 0, notifications: [{ status: 'duplicate' }] });
});

it.each([
  ['its members in another order', { payload: { text: 'a', n: 1 } }],
  ['its number in another form', { payload: { text: 'a', n: 1.0 } }],
  ['what is the default anyway', { priority: 'high' }],
])('the same id with %s is a duplicate', async (_, change) => {
  const first = { ...fresh(), ttlSeconds: 60 };
  await post({ body: first });
  expect(await post({ body: { ...first, ...change } })).toMatchObject({
    status: 202,
    body: { accepted: 0, notifications: [{ status: 'duplicate' }] },
  });
});

it('is refused by another process too', async () => {
  const first = fresh();
  await post({ body: first });
  expect(await post({ body: { ...first, payload: {} } }, sibling)).toMatchObject({ status: 422 });
  expect(await post({ body: first }, sibling)).toMatchObject({ status: 202, body: { accepted: 0 } });
});

it('is refused with Idempotency-Key too', async () => {
  const { id, ...first } = fresh();
  const headers = { 'idempotency-key': id };
  await post({ body: first, headers });
  expect(await post({ body: { ...first, payload: {} }, headers })).toMatchObject({ body: { code: 'ID_REUSED' } });
  expect(await post({ body: first, headers })).toMatchObject({ status: 202, body: { accepted: 0 } });
});

it.each([
  ['in quotes, as the IETF draft writes it', (id: string) => `"${id}"`],
  ['in quotes with an escaped character', (id: string) => `"${id.replace('-', '\\\\-')}"`, 'order\\-'],
])('an Idempotency-Key %s is the same id', async (_, spelled, begin = 'order-') => {
  const { id: plain, ...first } = fresh();
  const id = plain.replace('order-', begin);
  const headers = { 'idempotency-key': spelled(plain) };
  expect((await post({ body: first, headers })).body).toMatchObject({ accepted: 1, notifications: [{ id }] });
  expect(await post({ body: { ...first, id } })).toMatchObject({ status: 202, body: { accepted: 0 } });
  expect((await post({ body: { ...first, id }, headers })).body).toMatchObject({ accepted: 0 });
});

it('an id may have quotes', async () => {
  const first = { ...fresh(), id: '"quoted"' };
  const headers = { 'idempotency-key': first.id };
  expect((await post({ body: first, headers })).body).toMatchObject({ accepted: 1, notifications: [{ id: first.id }] });
});

it('an id may be used once for each user', async () => {
  const first = fresh();
  await post({ body: first });
  expect((await post({ body: { ...first, user: 15, payload: {} } })).body).toMatchObject({ accepted: 1 });
});

const asBatch = (entries: readonly object[]): TestRequest => ({ body: { notifications: entries } });
const asLines = (entries: readonly object[]): TestRequest => ({
  body: entries.map((entry) => JSON.stringify(entry)).join('\n'),
  headers: ndjson,
});

describe.each([
  ['a batch', asBatch],
  ['NDJSON', asLines],
])('in %s', (_, request) => {
  it('only the entry with a used id is refused, in the same request and later', async () => {
    const [first, second] = [fresh(), fresh()];
    const other = { ...first, payload: {} };
    const answer = await post(request([first, other, second, first]));
    expect(answer).toMatchObject({
      status: 207,
      body: {
        accepted: 2,
        notifications: [
          { index: 0, status: 'accepted' },
          { index: 2, status: 'accepted' },
          { index: 3, status: 'duplicate' },
        ],
        errors: [{ index: 1, code: 'ID_REUSED' }],
      },
    });
    expect(await post(request([other]))).toMatchObject({ status: 422, body: { code: 'NOTIFICATIONS_INVALID' } });
  });

  it('reports the users of a list for whom the id was used', async () => {
    const first = fresh();
    await post({ body: first });
    const { user, ...rest } = first;
    const answer = await post(request([{ ...rest, users: [user, 15], payload: {} }]));
    expect(answer).toMatchObject({
      status: 207,
      body: {
        accepted: 1,
        notifications: [{ index: 0, user: 15, status: 'accepted' }],
        errors: [{ index: 0, user, code: 'ID_REUSED' }],
      },
    });
  });
});

it('reports the users of a single notification for whom the id was used', async () => {
  const first = fresh();
  const { user, ...rest } = first;
  await post({ body: { ...rest, users: [user, 15] } });
  const other = { ...rest, payload: {} };
  expect(await post({ body: { ...other, users: [15, 16, user] } })).toMatchObject({
    status: 207,
    body: {
      accepted: 1,
      notifications: [{ user: 16, status: 'accepted' }],
      errors: [
        { index: 0, user: 15, code: 'ID_REUSED' },
        { index: 0, user, code: 'ID_REUSED' },
      ],
    },
  });
  expect(await post({ body: { ...other, users: [15, user] } })).toMatchObject({
    status: 422,
    body: { code: 'ID_REUSED' },
  });
});
