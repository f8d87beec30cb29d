import { SessionTokens } from '@pns/sessions';
import { testApi, type TestApi } from '../testing/test-api';

interface Issued {
  readonly id: string;
  readonly token: string;
  readonly expiresAt: string;
}

let api: TestApi;
let key: string;

beforeAll(async () => {
  api = await testApi();
  const made = await api.send<{ key: string }>('POST', '/v1/api-keys', { body: { name: 'web', scopes: ['client'] } });
  key = made.body.key;
});

afterAll(() => api.close());

it('a session can be issued for a user and ended', async () => {
  const asked = { context: 1, user: 14, client: 'open-xchange-appsuite', ttlSeconds: 600 };
  const from = Math.floor(Date.now() / 1000);
  const { status, body } = await api.send<Issued>('POST', '/v1/sessions', { body: asked, key });
  const to = Math.floor(Date.now() / 1000);
  expect(status).toBe(201);
  expect(Object.keys(body).sort()).toEqual(['expiresAt', 'id', 'token']);
  const issuedAt = Date.parse(body.expiresAt) / 1000 - asked.ttlSeconds;
  expect(issuedAt).toBeGreaterThanOrEqual(from);
  expect(issuedAt).toBeLessThanOrEqual(to);
  const sessions = api.app.get(SessionTokens);
  const { ttlSeconds, ...holder } = asked;
  void ttlSeconds;
  expect(await sessions.verify(body.token)).toMatchObject({ id: body.id, ...holder });
  expect((await api.send('DELETE', `/v1/sessions/${body.id}`, { key })).status).toBe(204);
  await expect(sessions.verify(body.token)).rejects.toMatchObject({ code: 'SESSION_ENDED' });
  expect((await api.send('DELETE', `/v1/sessions/${body.id}`, { key })).status).toBe(204);
});

it('no session is issued where an identity provider issues them', async () => {
  const other = await testApi({ sessionKey: new URL('https://id.example.com/keys') });
  try {
    const { status, body } = await other.send('POST', '/v1/sessions', { body: { context: 1, user: 14 } });
    expect({ status, code: body['code'] }).toEqual({ status: 409, code: 'SESSION_ISSUED_ELSEWHERE' });
    expect(body['detail']).toContain('PNS_SESSION_JWKS_URL');
  } finally {
    await other.close();
  }
});
