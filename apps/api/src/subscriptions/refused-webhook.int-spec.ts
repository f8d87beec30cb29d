import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigDirectory } from '@pns/config-folder';
import { testApi, type TestApi } from '../testing/test-api';

const files = {
  'webhooks.yml': 'crm: {uri: "http://crm.internal/geheim"}\n',
  'webhooks.properties': 'com.openexchange.webhooks.enabledIds=crm,typo\n',
};
const subscription = { context: 1, user: 14, client: 'crm', transport: 'webhook', topics: ['ox:mail:new'] };
const refused = 'The configuration of the webhook crm was refused; GET /v1/clients shows the reason to administrators.';

let api: TestApi;

beforeAll(async () => {
  api = await testApi({ files });
});
afterAll(() => api.close());

const register = (client: string) => api.send('POST', '/v1/subscriptions', { body: { ...subscription, client } });

it('a webhook with a refused entry has another code than a webhook without an entry', async () => {
  expect(await register('crm')).toMatchObject({ status: 422, body: { code: 'WEBHOOK_REFUSED', detail: refused } });
  expect(await register('typo')).toMatchObject({ status: 422, body: { code: 'WEBHOOK_UNKNOWN' } });
});

it("clients of the original's API get the same sentence", async () => {
  const { body } = await api.send<{ token: string }>('POST', '/v1/sessions', { body: { context: 1, user: 14 } });
  const answer = await api.send('PUT', `/ajax/pns?action=subscribe&session=${body.token}`, {
    body: { client: 'crm', transport: 'webhook', topics: ['ox:mail:new'] },
    key: null,
  });
  expect(answer).toMatchObject({ status: 200, body: { code: 'PNS-0012', error: refused } });
});

it('the code is the same while the whole file cannot be read, until it is corrected', async () => {
  const directory = api.app.get(ConfigDirectory, { strict: false });
  const write = async (content: string | Buffer): Promise<void> => {
    const noticed = once(directory, 'change', { signal: AbortSignal.timeout(25_000) });
    writeFileSync(join(directory.path, 'webhooks.yml'), content);
    await noticed;
  };
  await write(Buffer.from('\ufeffcrm: {}', 'utf16le'));
  expect(await register('typo')).toMatchObject({ status: 422, body: { code: 'WEBHOOK_REFUSED' } });
  await write('crm: {uri: "https://crm.example.com/"}\n');
  expect((await register('crm')).status).toBe(201);
  expect(await register('typo')).toMatchObject({ status: 422, body: { code: 'WEBHOOK_UNKNOWN' } });
});
