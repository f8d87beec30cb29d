import { Client } from 'pg';
import { testApi, type TestApi } from '../testing/test-api';

const delay = 'com.openexchange.pns.delayDuration';
const apns = 'com.openexchange.pns.transport.apn.ios.enabled';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

async function effective(name: string): Promise<unknown> {
  const { body } = await api.send<{ items: object[] }>('GET', `/v1/config/effective?context=1&user=14&prefix=${name}`);
  return body.items.find((item) => 'name' in item && item.name === name);
}

it('the narrowest scope decides, and after its removal the next one', async () => {
  expect((await api.send('PUT', '/v1/config/context-sets/one', { body: { rank: 1, withTags: '1 & !2' } })).status).toBe(
    200,
  );
  const places = ['server', 'context-sets/one', 'contexts/1', 'contexts/1/users/14'];
  const origins = [{ scope: 'server' }, { scope: 'contextSet', id: 'one' }, { scope: 'context' }, { scope: 'user' }];
  for (const [index, place] of places.entries()) {
    const put = await api.send('PUT', `/v1/config/${place}/properties/${delay}`, { body: { value: index } });
    expect(put).toMatchObject({ status: 200, body: { name: delay, value: index } });
    expect(await effective(delay)).toEqual({ name: delay, value: index, origin: origins[index] });
    expect((await api.send('GET', `/v1/config/${place}/properties`)).body).toEqual({
      items: [{ name: delay, value: index }],
    });
  }
  for (const [index, place] of [...places.entries()].reverse()) {
    expect(await effective(delay)).toMatchObject({ value: index });
    expect((await api.send('DELETE', `/v1/config/${place}/properties/${delay}`)).status).toBe(204);
    expect(await api.send('GET', `/v1/config/${place}/properties/${delay}`)).toMatchObject({
      status: 404,
      body: { code: 'PROPERTY_NOT_SET' },
    });
  }
  expect(await effective(delay)).toEqual({ name: delay, value: 1000, origin: { scope: 'default' } });
});

it.each([
  [
    'com.openexchange.pns.delayDurations',
    1,
    'PROPERTY_UNKNOWN',
    /the nearest is com\.openexchange\.pns\.delayDuration\./,
  ],
  [delay, 'soon', 'PROPERTY_VALUE_INVALID', /whole number/],
  [apns, 'perhaps', 'PROPERTY_VALUE_INVALID', /true or false/],
  ['com.openexchange.pns.timerFrequency', 100, 'PROPERTY_SCOPE_REFUSED', /the server/],
])('%s = %j for a context is refused as %s', async (name, value, code, detail) => {
  const answer = await api.send('PUT', `/v1/config/contexts/9/properties/${name}`, { body: { value } });
  expect(answer).toMatchObject({ status: 422, body: { code, detail: expect.stringMatching(detail) as string } });
  expect((await api.send('GET', '/v1/config/contexts/9/properties')).body).toEqual({ items: [] });
});

it('answers 412 to the second of two administrators who edit the same value', async () => {
  const path = `/v1/config/contexts/2/properties/${delay}`;
  const etag = (await api.send('PUT', path, { body: { value: 1 } })).headers.get('etag') ?? '';
  const ifMatch = { 'if-match': etag };
  expect((await api.send('PUT', path, { body: { value: 2 }, headers: ifMatch })).status).toBe(200);
  const second = await api.send('PUT', path, { body: { value: 3 }, headers: ifMatch });
  expect(second).toMatchObject({ status: 412, body: { code: 'VERSION_CHANGED' } });
  expect((await api.send('DELETE', path, { headers: ifMatch })).status).toBe(412);
  expect((await api.send('GET', path)).body).toMatchObject({ value: 2 });
});

it('accepts a version among several, and no weak one', async () => {
  const path = `/v1/config/contexts/3/properties/${delay}`;
  const etag = (await api.send('PUT', path, { body: { value: 1 } })).headers.get('etag') ?? '';
  const put = (tags: string) => api.send('PUT', path, { body: { value: 2 }, headers: { 'if-match': tags } });
  expect(await put(`W/${etag}`)).toMatchObject({
    status: 412,
    body: { detail: expect.stringContaining('W/') as string },
  });
  expect((await put('"999999", "1"')).status).toBe(412);
  expect((await put(`"999999", ${etag}`)).status).toBe(200);
  expect((await api.send('DELETE', path, { headers: { 'if-match': `${etag}, "1"` } })).status).toBe(412);
});

describe('two administrators who create the same', () => {
  const webhook = { uri: 'https://push.example.com/' };

  it.each<[what: string, path: string, body: object]>([
    ['value of the server', `/v1/config/server/properties/${apns}.twice`, { value: true }],
    ['value of a context', `/v1/config/contexts/33/properties/${delay}`, { value: 1 }],
    ['value of a user', `/v1/config/contexts/33/users/4/properties/${delay}`, { value: 1 }],
    ['context set', '/v1/config/context-sets/twice', { rank: 1, withTags: 'nobody' }],
    ['value of a context set', `/v1/config/context-sets/twice/properties/${delay}`, { value: 1 }],
    ['context', '/v1/contexts/33', { tags: ['a'] }],
    ['user', '/v1/contexts/33/users/4', { tags: ['a'] }],
    ['options', '/v1/clients/twice/transports/webhook', webhook],
  ])('%s: one gets 412', async (_, path, body) => {
    const missing = {
      status: 412,
      body: { code: 'VERSION_CHANGED', detail: expect.stringContaining('does not exist') as string },
    };
    for (const method of ['PUT', 'DELETE']) {
      const request = { headers: { 'if-match': '*' }, ...(method === 'PUT' ? { body } : {}) };
      expect(await api.send(method, path, request)).toMatchObject(missing);
    }
    expect((await api.send('GET', path)).status).toBe(404);
    const creating = { body, headers: { 'if-none-match': '*' } };
    const answers = await Promise.all([api.send('PUT', path, creating), api.send('PUT', path, creating)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    const late = { code: 'VERSION_CHANGED', detail: expect.stringContaining('another request created it') as string };
    expect(answers.find(({ status }) => status === 412)?.body).toMatchObject(late);
    expect((await api.send('PUT', path, { body, headers: { 'if-match': '*' } })).status).toBe(200);
  });
});

it('refuses an unknown context set and an invalid tag expression', async () => {
  const bad = await api.send('PUT', '/v1/config/context-sets/bad', { body: { rank: 1, withTags: 'a &' } });
  expect(bad).toMatchObject({ status: 422, body: { code: 'BODY_INVALID' } });
  const unknown = await api.send('PUT', `/v1/config/context-sets/bad/properties/${delay}`, { body: { value: 1 } });
  expect(unknown).toMatchObject({ status: 404, body: { code: 'CONTEXT_SET_NOT_FOUND' } });
});

it('explains a decision with all places in order, and with the subscriptions', async () => {
  const subscription = { context: 1, user: 14, client: 'phone', transport: 'apns', token: 'aa', topics: ['ox:mail:*'] };
  await api.send('POST', '/v1/subscriptions', { body: subscription });
  await api.send('PUT', `/v1/config/server/properties/${apns}.phone`, { body: { value: false } });
  await api.send('PUT', `/v1/config/contexts/1/users/14/properties/${apns}`, { body: { value: true } });
  const path = '/v1/config/explain?context=1&user=14&client=phone&topic=ox:mail:new&transport=apn';
  const { body } = await api.send<{ places: object[] }>('GET', path);
  expect(body).toMatchObject({
    isEnabled: false,
    decidedBy: { name: `${apns}.phone`, origin: { scope: 'server' } },
    sentence: `ox:mail:new may not be sent to phone of user 14 in context 1 through apns, because ${apns}.phone is false for the server. Of 1 subscription of the client for this transport, 1 matches ox:mail:new.`,
    subscriptions: [{ topics: ['ox:mail:*'], matchedBy: 'ox:mail:*', isExpired: false }],
    isComplete: true,
  });
  expect(body.places[0]).toEqual({ name: `${apns}.phone.ox:mail:new`, origin: { scope: 'user' }, isOverruled: false });
  expect(body.places.at(-1)).toMatchObject({ name: `${apns}.phone`, text: 'false' });
});

it('a user has at most a thousand properties', async () => {
  const client = new Client({ connectionString: api.database.url });
  await client.connect();
  await client.query(
    `INSERT INTO user_properties (context_id, user_id, name, value)
     SELECT 72, 5, '${apns}.app' || at, 'true' FROM generate_series(1, 1000) AS at`,
  );
  await client.end();
  const pathOf = (app: string) => `/v1/config/contexts/72/users/5/properties/${apns}.${app}`;
  expect(await api.send('PUT', pathOf('another'), { body: { value: true } })).toMatchObject({
    status: 409,
    body: { code: 'PROPERTY_LIMIT', detail: expect.stringContaining('at most 1000 properties') as string },
  });
  expect((await api.send('PUT', pathOf('app7'), { body: { value: false } })).status).toBe(200);
  expect((await api.send('DELETE', pathOf('app8'))).status).toBe(204);
  expect((await api.send('PUT', pathOf('another'), { body: { value: true } })).status).toBe(200);
});

describe.each(['contexts/71', 'contexts/71/users/5'])('the properties of %s', (place) => {
  const pathOf = (name: string) => `/v1/config/${place}/properties/${name}`;
  const refused = (detail: string) => ({
    status: 409,
    body: { code: 'PROPERTY_LIMIT', detail: expect.stringContaining(detail) as string },
  });

  it('have a limited size in total', async () => {
    const title = 'com.openexchange.pns.template.title';
    const value = 'x'.repeat(4000);
    for (let at = 0; at < 16; at++) {
      expect((await api.send('PUT', pathOf(`${title}.app${at}`), { body: { value } })).status).toBe(200);
    }
    expect(await api.send('PUT', pathOf(`${title}.another`), { body: { value } })).toMatchObject(refused('65536 char'));
    expect((await api.send('PUT', pathOf(`${title}.app0`), { body: { value: 'y' } })).status).toBe(200);
    expect((await api.send('PUT', pathOf(`${title}.another`), { body: { value: 'x'.repeat(3000) } })).status).toBe(200);
  });
});
