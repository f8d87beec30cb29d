import { request as httpRequest } from 'node:http';
import { testApi, type TestApi, type TestRequest } from '../testing/test-api';
import { badAccess, badOthers } from './testing/bad-access';
import { badCloudEvents } from './testing/bad-cloud-events';
import { badDirectory } from './testing/bad-directory';
import { badDovecotRequests, badNotifications } from './testing/bad-notifications';
import { dovecot, ingest, mail, notify } from './testing/bad-request';
import { badDeliveries, badSettings } from './testing/bad-settings';
import { badSubscriptions, webhookFiles } from './testing/bad-subscriptions';
import { hostileTexts } from './testing/hostile-texts';

let api: TestApi;
/** A key for each scope. */
const keys = new Map<string, string>();
let before: Record<string, string[]>;

beforeAll(async () => {
  api = await testApi({ files: webhookFiles });
  for (const scope of ['ingest', 'client', 'admin']) {
    const { body } = await api.send('POST', '/v1/api-keys', { body: { name: scope, scopes: [scope] } });
    keys.set(scope, body['key'] as string);
  }
  before = await api.contents();
});

afterAll(() => api.close());

function withRealKey({ key, ...request }: TestRequest): TestRequest {
  if (typeof key !== 'string') return key === null ? { ...request, key } : request;
  return { ...request, key: keys.get(key) ?? key };
}

describe.each([
  ['notifications', badNotifications],
  ['CloudEvents', badCloudEvents],
  ['Dovecot', badDovecotRequests],
  ['access', badAccess],
  ['subscriptions', badSubscriptions],
  ['the directory', badDirectory],
  ['settings', badSettings],
  ['deliveries', badDeliveries],
  ['the rest', badOthers],
  ['texts that take long to interpret', hostileTexts],
])('bad requests: %s', (_area, cases) => {
  it.each(cases)('%s: %s %s', async (_name, method, path, request, status, code, fragment) => {
    const answer = await api.send(method, path, withRealKey(request));
    expect(answer).toMatchObject({ status, body: { status, code } });
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.body['type']).toBe(`urn:pns:problem:${code.toLowerCase().replaceAll('_', '-')}`);
    expect(answer.body['title']).toEqual(expect.stringMatching(/\w/));
    expect(answer.body['detail']).toContain(fragment);
  });
});

describe('the answer to a bad request', () => {
  it('contains the authentication scheme', async () => {
    const api401 = await api.send('POST', ingest, { body: mail, key: null });
    const dovecot401 = await api.send('PUT', notify, { body: dovecot, key: 'pns_nobody' });
    expect(api401.headers.get('www-authenticate')).toBe('Bearer realm="pns"');
    expect(dovecot401.headers.get('www-authenticate')).toBe('Basic realm="pns"');
  });

  it('contains the allowed methods', async () => {
    expect((await api.send('PATCH', '/v1/subscriptions')).headers.get('allow')).toBe('DELETE, GET, HEAD, POST');
  });

  it('contains every bad entry of a batch with its index, code and reason', async () => {
    const { body } = await api.send('POST', ingest, {
      body: { notifications: [{ ...mail, topic: 'a b' }, 5, { ...mail, payload: {} }] },
    });
    expect(body['errors']).toEqual([
      { index: 0, code: 'TOPIC_INVALID', error: expect.stringContaining('topic must be') as string },
      { index: 1, code: 'NOTIFICATION_INVALID', error: expect.stringContaining('must be a JSON object') as string },
      { index: 2, code: 'PAYLOAD_INVALID', error: expect.stringContaining('payload.folder') as string },
    ]);
  });

  it('is sent before the body of an unauthenticated sender is read', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': 10 * 2 ** 20 };
      const request = httpRequest(`${api.url}${ingest}`, { method: 'POST', headers }, (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.on('error', reject);
      request.write('{'); // the body is never completed
    });
    expect(status).toBe(401);
  });
});

it('no bad request changed anything', async () => {
  expect(await api.contents()).toEqual(before);
  expect(before).toMatchObject({
    users: [],
    subscriptions: [],
    client_transports: [],
    failed_deliveries: [],
    redis: [],
  });
});
