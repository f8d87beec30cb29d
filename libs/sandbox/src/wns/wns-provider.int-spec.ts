import { type FastifyInstance, fastify } from 'fastify';
import { Agent, type Dispatcher } from 'undici';
import { Arrivals } from '../arrivals';
import { makeAuthority } from '../certificates';
import type { AppCredentials } from './microsoft-accounts';
import type { WnsChannel } from './wns-channel';
import { startWns, type WnsProvider } from './wns-provider';
import { wnsRoutes } from './wns.routes';
import { shownOf } from './wns-rules';

const authority = makeAuthority();
const tenantId = '0b1a2c3d-1111-2222-3333-444455556666';

let arrivals: Arrivals;
let microsoft: WnsProvider;
let agent: Agent;
let app: AppCredentials;
let channel: WnsChannel;
let accessToken: string;
let page: FastifyInstance;

beforeEach(async () => {
  arrivals = new Arrivals(100);
  microsoft = await startWns({ port: 0, authority, arrivals });
  agent = new Agent({ connect: { ca: authority.cert } });
  app = microsoft.accounts.register();
  channel = microsoft.openChannel(app.sid);
  ({ access_token: accessToken = '' } = (await requestToken({})).body as { access_token?: string });
  page = fastify();
  wnsRoutes(page, microsoft, arrivals);
});

afterEach(async () => {
  await agent.close();
  await microsoft.close();
  await page.close();
  arrivals.close();
});

async function requestToken(
  more: Record<string, string | undefined>,
  url = microsoft.tokenUrl(),
  contentType = 'application/x-www-form-urlencoded',
): Promise<{ status: number; body: unknown }> {
  const usual = {
    grant_type: 'client_credentials',
    client_id: app.sid,
    client_secret: app.secret,
    scope: 'notify.windows.com',
  };
  const form = Object.entries({ ...usual, ...more }).filter(
    (field): field is [string, string] => field[1] !== undefined,
  );
  const body = new URLSearchParams(form).toString();
  const { origin, pathname: path } = new URL(url);
  const answer = await agent.request({ origin, path, method: 'POST', headers: { 'content-type': contentType }, body });
  return { status: answer.statusCode, body: await answer.body.json() };
}

interface Push {
  readonly method?: Dispatcher.HttpMethod;
  readonly uri?: string;
  readonly headers?: Record<string, string | undefined>;
  readonly body?: string;
}

const toast = '<toast><visual><binding template="ToastGeneric"><text>A</text></binding></visual></toast>';

async function push({ method = 'POST', uri = microsoft.uriOf(channel), headers = {}, body = toast }: Push = {}) {
  const usual = { 'content-type': 'text/xml', 'x-wns-type': 'wns/toast', authorization: `Bearer ${accessToken}` };
  const sent = Object.entries({ ...usual, ...headers }).filter(
    (field): field is [string, string] => field[1] !== undefined,
  );
  const { origin, pathname, search } = new URL(uri);
  const request = { origin, path: pathname + search, method, headers: Object.fromEntries(sent) };
  const answer = await agent.request(method === 'GET' ? request : { ...request, body });
  await answer.body.dump();
  return { status: answer.statusCode, headers: answer.headers };
}

const raw = { 'x-wns-type': 'wns/raw', 'content-type': 'application/octet-stream' };

it('a valid push has the status received', async () => {
  expect(await push({ headers: { 'x-wns-requestforstatus': 'true' } })).toMatchObject({
    status: 200,
    headers: {
      'x-wns-status': 'received',
      'x-wns-deviceconnectionstatus': 'connected',
      'x-wns-msg-id': expect.stringMatching(/^[0-9A-F]{16}$/) as string,
      'x-wns-debug-trace': expect.any(String) as string,
    },
  });
  expect((await push()).headers).not.toHaveProperty('x-wns-deviceconnectionstatus');
});

it.each<[string, Push, number]>([
  ['another method', { method: 'GET' }, 405],
  ['an unknown channel', { uri: 'https://localhost/w/?token=nonsense' }, 404],
  ['a path that is not a channel', { uri: 'https://localhost/other' }, 404],
  ['no access token', { headers: { authorization: undefined } }, 401],
  ['an unknown access token', { headers: { authorization: 'Bearer nonsense' } }, 401],
  ['another scheme', { headers: { authorization: 'Basic YTpi' } }, 401],
  ['no type', { headers: { 'x-wns-type': undefined } }, 400],
  ['an unknown type', { headers: { 'x-wns-type': 'toast' } }, 400],
  ['a toast with the content type of JSON', { headers: { 'content-type': 'application/json' } }, 400],
  ['a raw push with the content type of XML', { headers: { 'x-wns-type': 'wns/raw' } }, 400],
  ['an empty body', { headers: raw, body: '' }, 400],
  ['5001 bytes', { headers: raw, body: 'x'.repeat(5001) }, 413],
  ['an unknown cache policy', { headers: { ...raw, 'x-wns-cache-policy': 'yes' } }, 400],
  ['a cache policy for a toast', { headers: { 'x-wns-cache-policy': 'cache' } }, 400],
  ['an unknown value of x-wns-requestforstatus', { headers: { 'x-wns-requestforstatus': '1' } }, 400],
  ['a tag of 17 characters', { headers: { 'x-wns-tag': 'a'.repeat(17) } }, 400],
  ['a tag with a colon', { headers: { 'x-wns-tag': 'ox:mail' } }, 400],
  ['a tag for a raw push', { headers: { ...raw, 'x-wns-tag': 'a' } }, 400],
  ['a group with a dash', { headers: { 'x-wns-group': 'a-b' } }, 400],
  ['a group for a tile', { headers: { 'x-wns-type': 'wns/tile', 'x-wns-group': 'a' } }, 400],
  ['a time to live that is not an integer', { headers: { 'x-wns-ttl': '1.5' } }, 400],
  ['a priority of 5', { headers: { 'x-wns-priority': '5' } }, 400],
  ['a header of Windows Phone', { headers: { 'x-wns-suppresspopup': 'true' } }, 400],
  ['a header of DELETE requests', { headers: { 'x-wns-match': 'type:wns/toast;all' } }, 400],
])('a push with %s is refused', async (_, given, status) => {
  const uri = given.uri === undefined ? {} : { uri: given.uri.replace('localhost', microsoft.host) };
  const answer = await push({ ...given, ...uri });
  expect(answer).toMatchObject({ status, headers: { 'x-wns-status': 'dropped' } });
  expect(answer.headers['x-wns-error-description']).toBeTruthy();
  expect(arrivals.since(0)).toMatchObject([{ answer: status }]);
  expect(channel.accepted).toBe(0);
});

it('a push of 5000 bytes is accepted', async () => {
  expect((await push({ headers: raw, body: 'x'.repeat(5000) })).status).toBe(200);
});

it('a token is valid for the channels of its own app only, and until it ends', async () => {
  const foreign = microsoft.openChannel(microsoft.accounts.register().sid);
  expect((await push({ uri: microsoft.uriOf(foreign) })).status).toBe(403);
  microsoft.accounts.endTokens();
  expect((await push()).status).toBe(401);
});

it('a push to an expired channel is answered with 410', async () => {
  channel.expiresAt = Date.now();
  expect((await push()).status).toBe(410);
});

it.each<[string, WnsChannel['device'], Record<string, string>, string, string]>([
  ['a toast for a disconnected device', 'disconnected', {}, 'received', 'disconnected'],
  ['a raw push for a disconnected device', 'disconnected', raw, 'dropped', 'disconnected'],
  [
    'a raw push with a cache policy for a disconnected device',
    'disconnected',
    { ...raw, 'x-wns-cache-policy': 'cache' },
    'received',
    'disconnected',
  ],
  ['a push whose user has switched off pushes', 'refusing', {}, 'dropped', 'connected'],
])('%s has the documented status', async (_, device, headers, done, connection) => {
  channel.device = device;
  const answer = await push({ headers: { ...headers, 'x-wns-requestforstatus': 'true' } });
  expect(answer).toMatchObject({
    status: 200,
    headers: { 'x-wns-status': done, 'x-wns-deviceconnectionstatus': connection },
  });
});

it('WNS accepts content that the device cannot read, and its check is invalid', async () => {
  expect((await push({ body: '<toast><visual>' })).status).toBe(200);
  expect((await push({ body: '<tile/>' })).status).toBe(200);
  const verdicts = arrivals.since(0).map(({ checks }) => checks?.[0]?.verdict);
  expect(verdicts).toEqual(['invalid', 'invalid']);
});

it.each<[string, Record<string, string | undefined>, number, string]>([
  ['no grant type', { grant_type: undefined }, 400, 'invalid_request'],
  ['another grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
  ['another scope', { scope: 's.notify.live.net' }, 400, 'invalid_scope'],
  ['an unknown app', { client_id: 'ms-app://s-1-15-2-1' }, 400, 'invalid_client'],
  ['a wrong secret', { client_secret: 'wrong' }, 400, 'invalid_client'],
])('a request with %s gets no access token', async (_, more, status, error) => {
  expect(await requestToken(more)).toMatchObject({ status, body: { error } });
});

it('a request for a token must be a form', async () => {
  expect(await requestToken({}, undefined, 'text/plain')).toMatchObject({
    status: 400,
    body: { error: 'invalid_request' },
  });
});

it('an app of Entra gets its token only from the token endpoint of Entra', async () => {
  const { sid: client_id, secret: client_secret } = microsoft.accounts.register({ tenantId });
  const form = { client_id, client_secret, scope: 'https://wns.windows.com/.default' };
  const url = microsoft.tokenUrl(tenantId);
  expect(await requestToken(form, url)).toMatchObject({ status: 200, body: { expires_in: '86399' } });
  expect(await requestToken({ ...form, scope: 'notify.windows.com' })).toMatchObject({
    body: { error: 'invalid_client' },
  });
  expect(await requestToken({ ...form, scope: 'x' }, url)).toMatchObject({ body: { error: 'invalid_scope' } });
  expect(await requestToken({ ...form, client_secret: 'x' }, url)).toMatchObject({ status: 401 });
  expect(await requestToken({ scope: form.scope }, url)).toMatchObject({ body: { error: 'unauthorized_client' } });
});

it('the shown texts are those of the first binding', () => {
  expect(
    shownOf(
      'wns/toast',
      '<toast launch="a=&amp;"><visual><binding template="ToastGeneric"><text>A &lt;</text><text/></binding></visual></toast>',
    ),
  ).toEqual({ texts: ['A <', ''], launch: 'a=&' });
  expect(
    shownOf(
      'wns/tile',
      '<tile><visual><binding><text>A</text></binding><binding><text>B</text></binding></visual></tile>',
    ),
  ).toEqual({ texts: ['A'] });
  expect(shownOf('wns/badge', '<badge value="7"/>')).toEqual({ texts: [], badge: '7' });
  expect(() => shownOf('wns/badge', '<badge/>')).toThrow('no value');
  expect(() => shownOf('wns/toast', '<toast/>')).toThrow('no binding');
  expect(() => shownOf('wns/toast', '<toast>&bad;</toast>')).toThrow();
});

describe('the routes', () => {
  const call = async (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, payload?: object) => {
    const { statusCode, body } = await page.inject({ method, url, ...(payload && { payload }) });
    return { status: statusCode, body: (body === '' ? {} : JSON.parse(body)) as Record<string, unknown> };
  };
  const at = (path: string) => `${path}?token=${encodeURIComponent(channel.token)}`;

  it('open channels, return pushes, and delete both', async () => {
    const opened = await call('POST', '/wns/channels', { sid: app.sid, token: 'demo' });
    expect(opened).toMatchObject({ status: 201, body: { uri: `https://${microsoft.host}/w/?token=demo` } });
    await push();
    expect(await call('GET', at('/wns/pushes'))).toMatchObject({
      body: { total: 1, items: [{ body: toast, shown: { texts: ['A'] }, headers: { authorization: 'Bearer …' } }] },
    });
    expect((await call('DELETE', at('/wns/pushes'))).status).toBe(204);
    expect(await call('GET', at('/wns/pushes'))).toMatchObject({ body: { total: 0, items: [] } });
    expect((await call('DELETE', at('/wns/channels'))).status).toBe(204);
    expect((await call('GET', at('/wns/pushes'))).status).toBe(404);
    expect((await push()).status).toBe(404);
  });

  it('set faults of one channel, of all, and of the token endpoint', async () => {
    await call('PUT', '/wns/faults', { status: 500 });
    await call('PUT', at('/wns/faults'), { status: 406, headers: { 'retry-after': '3' }, times: 1 });
    await call('PUT', '/wns/faults?of=tokens', { status: 503 });
    expect(await push()).toMatchObject({ status: 406, headers: { 'retry-after': '3' } });
    expect((await push()).status).toBe(500);
    expect((await call('DELETE', '/wns/faults')).status).toBe(204);
    expect((await push()).status).toBe(200);
    expect(microsoft.tokenFaults.current).toEqual({ status: 503 });
  });

  it('create and revoke credentials, and return the host', async () => {
    const { body } = await call('POST', '/wns/apps', { tenantId });
    expect(body).toMatchObject({ sid: expect.any(String) as string, secret: expect.any(String) as string, tenantId });
    expect(await call('GET', '/wns')).toMatchObject({
      body: { host: microsoft.host, sids: [app.sid, body['sid']], exchanges: 1 },
    });
    expect((await call('DELETE', `/wns/apps?sid=${encodeURIComponent(app.sid)}`)).status).toBe(204);
    expect((await push()).status).toBe(401);
  });

  it('change the device and the expiry of a channel', async () => {
    await call('PUT', at('/wns/channels'), { device: 'refusing', expiresAt: 0 });
    expect(channel.state).toMatchObject({ device: 'refusing', expiresAt: 0 });
    expect(microsoft.targets()).toMatchObject([{ provider: 'wns', target: channel.token, device: 'refusing' }]);
  });
});
