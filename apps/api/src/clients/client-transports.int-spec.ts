import { eventually } from '@pns/local-servers/waiting';
import { Client } from 'pg';
import { WebhookGate } from '../subscriptions/webhook-gate';
import { testApi, type TestApi } from '../testing/test-api';

let api: TestApi;
const files = { 'webhooks.yml': JSON.stringify({ crm: { uri: 'https://file.example.com/hook' } }) };
const path = '/v1/clients/crm/transports/webhook';
const secrets = { webhookSecret: 'first-secret', signatureSecret: 'second-secret' };
const uri = 'https://api.example.com/hook';

beforeAll(async () => {
  api = await testApi({ files });
});
afterAll(() => api.close());

const configuredUri = (of: TestApi) => of.app.get(WebhookGate).configuredUri('crm');

it('options set through the API take precedence over the file in every process until they are removed', async () => {
  const sibling = await api.sibling();
  const held = (expected: string) =>
    eventually(
      `${expected} is in effect in both processes`,
      () => configuredUri(api) === expected && configuredUri(sibling) === expected,
    );
  await held('https://file.example.com/hook');
  await api.send('PUT', path, { body: { uri } });
  await held(uri);
  expect((await api.send('DELETE', path)).status).toBe(204);
  await held('https://file.example.com/hook');
  expect((await api.send('DELETE', path)).body).toMatchObject({ code: 'CLIENT_OPTIONS_NOT_SET' });
  await sibling.close();
});

it('options are in effect in the process that answers the PUT', async () => {
  for (const each of [uri, `${uri}/2`]) {
    await api.send('PUT', path, { body: { uri: each } });
    expect(configuredUri(api)).toBe(each);
  }
  await api.send('DELETE', path);
  expect(configuredUri(api)).toBe('https://file.example.com/hook');
});

it('no answer and no table contains a secret in plain text', async () => {
  const put = await api.send('PUT', path, { body: { uri, ...secrets } });
  const view = { client: 'crm', transport: 'webhook', options: { uri }, secrets: Object.keys(secrets) };
  expect(put).toMatchObject({ status: 200, body: view });
  expect((await api.send('GET', path)).body).toMatchObject(view);
  expect((await api.send('GET', '/v1/clients')).body).toMatchObject({ items: [view] });
  const shown = JSON.stringify([put.body, await api.send('GET', '/v1/clients'), await api.contents()]);
  for (const secret of Object.values(secrets)) expect(shown).not.toContain(secret);
});

it('a PUT answers with what it stored, also when the options are removed right after it', async () => {
  await api.send('DELETE', path);
  const database = new Client({ connectionString: api.database.url });
  await database.connect();
  await database.query(`
    CREATE FUNCTION remove_options() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN DELETE FROM client_transports WHERE client = NEW.client; RETURN NULL; END $$`);
  await database.query(
    'CREATE TRIGGER removed AFTER INSERT ON client_transports FOR EACH ROW EXECUTE FUNCTION remove_options()',
  );
  const put = await api.send('PUT', path, { body: { uri } });
  await database.query('DROP FUNCTION remove_options CASCADE');
  await database.end();
  expect(put).toMatchObject({ status: 200, body: { options: { uri } } });
  expect((await api.send('GET', path)).status).toBe(404);
});

it('answers 412 to the later of two administrators who change the same options', async () => {
  const { headers } = await api.send('PUT', path, { body: { uri } });
  const ifMatch = { 'if-match': headers.get('etag') ?? '' };
  expect((await api.send('PUT', path, { body: { uri }, headers: ifMatch })).status).toBe(200);
  const late = await api.send('PUT', path, { body: { uri: 'https://late.example.com/' }, headers: ifMatch });
  expect(late).toMatchObject({ status: 412, body: { code: 'VERSION_CHANGED' } });
  expect((await api.send('DELETE', path, { headers: ifMatch })).status).toBe(412);
  expect((await api.send('GET', path)).body).toMatchObject({ options: { uri } });
});

it('does not repeat a secret that is in the place of a field name', async () => {
  const answer = await api.send('PUT', path, { body: { uri, whsec_MfKQ9r8GKYqrTwjU: '' } });
  expect(answer).toMatchObject({ status: 422, body: { detail: '\u2026 is not a known field.' } });
  expect(JSON.stringify(answer.body)).not.toContain('MfKQ');
});

it.each<[string, string, unknown, number, string]>([
  ['an unknown field', path, { uri, nonsense: 1 }, 422, 'nonsense'],
  ['a bad value', path, { uri: 'ftp://x' }, 422, 'uri'],
  ['no object', path, [], 422, 'body'],
  ['a transport without options', '/v1/clients/crm/transports/websocket', {}, 400, 'transport'],
  ['an unknown transport', '/v1/clients/crm/transports/pigeon', {}, 400, 'transport'],
  ['an invalid client', '/v1/clients/a%20b/transports/webhook', { uri }, 400, 'client'],
])('refuses %s', async (_, at, body, status, field) => {
  const before = await api.contents();
  const answer = await api.send('PUT', at, { body });
  expect(answer.status).toBe(status);
  expect(answer.body['detail']).toContain(field);
  expect(await api.contents()).toEqual(before);
});
