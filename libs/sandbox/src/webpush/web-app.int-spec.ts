import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type Sandbox, startSandbox } from '../sandbox';

const keys = { p256dh: 'B'.repeat(87), auth: 'a'.repeat(22) };

let calls: { call: string; authorization: string | undefined; body: unknown }[];
let api: Server;
let apiStatus: number;
let sandbox: Sandbox;

beforeAll(async () => {
  api = createServer((request, response) => {
    void text(request).then((body) => {
      const { method, url, headers } = request;
      calls.push({
        call: `${method} ${url}`,
        authorization: headers.authorization,
        body: body === '' ? undefined : JSON.parse(body),
      });
      response.writeHead(apiStatus, { 'content-type': 'application/json' }).end('{"applicationServerKey":"BCVx"}');
    });
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
  const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  sandbox = await startSandbox({ port: 0, demo: { apiUrl, apiKey: 'the-key', websocketUrl: 'http://127.0.0.1:1' } });
});
beforeEach(() => {
  calls = [];
  apiStatus = 200;
});
afterAll(async () => {
  await sandbox.close();
  api.close();
  api.closeAllConnections();
});

const subscribe = (endpoint: string, contentType = 'application/json') =>
  fetch(`${sandbox.url}/app/subscriptions`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: JSON.stringify({ pushSubscription: { endpoint, expirationTime: null, keys } }),
  });

it.each([
  ['/app/', 'text/html; charset=utf-8'],
  ['/app/app.css', 'text/css; charset=utf-8'],
  ['/app/app.js', 'text/javascript; charset=utf-8'],
  ['/app/worker.js', 'text/javascript; charset=utf-8'],
  ['/app/manifest.webmanifest', 'application/manifest+json'],
  ['/app/icon.svg', 'image/svg+xml'],
])('serves %s with the content security policy of the page', async (path, type) => {
  const { status, headers } = await fetch(sandbox.url + path);
  expect([status, headers.get('content-type')]).toEqual([200, type]);
  expect(headers.get('content-security-policy')).toContain("default-src 'self';");
});

it('returns the public key with which PNS signs', async () => {
  const settings = await fetch(`${sandbox.url}/app/settings`);
  expect(await settings.json()).toEqual({ applicationServerKey: 'BCVx' });
  expect(calls).toMatchObject([{ call: 'GET /v1/clients/demo-web-app/webpush-key', authorization: 'Bearer the-key' }]);
});

it('subscribes the user of the demonstration through the push service of the browser', async () => {
  const endpoint = 'https://push.example.com/1';
  expect((await subscribe(endpoint)).status).toBe(200);
  const pushSubscription = { endpoint, expirationTime: null, keys };
  const user = { context: 1, user: 14, client: 'demo-web-app', transport: 'webpush', topics: ['*'] };
  expect(calls).toMatchObject([
    { call: 'PUT /v1/clients/demo-web-app/transports/webpush', body: { subject: 'mailto:demo@example.com' } },
    {
      call: 'PUT /v1/config/contexts/1/properties/com.openexchange.pns.template.navigate.demo-web-app',
      body: { value: `${sandbox.url}/app/` },
    },
    { call: 'POST /v1/subscriptions', body: { ...user, pushSubscription } },
  ]);
});

it('lets PNS reach the push service of the sandbox if the browser uses it', async () => {
  await subscribe(`${sandbox.providers?.webpush.url}/push/some-browser`);
  const caFile = sandbox.providers?.authority.cert;
  expect(calls).toMatchObject([
    {
      call: 'PUT /v1/clients/demo-web-app-sandbox/transports/webpush',
      body: {
        subject: 'mailto:demo@example.com',
        allowedNetworks: ['127.0.0.0/8', '::1/128', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
        caFile,
      },
    },
    { call: expect.stringMatching(/^PUT .*navigate.demo-web-app-sandbox$/) as string },
    { call: 'POST /v1/subscriptions', body: { client: 'demo-web-app-sandbox' } },
  ]);
});

it('shows why PNS refused', async () => {
  apiStatus = 422;
  const answer = await subscribe('https://push.example.com/1');
  expect([answer.status, await answer.text()]).toEqual([502, expect.stringContaining('answered 422')]);
});

it('accepts subscriptions of its own page only, and nothing else', async () => {
  expect((await subscribe('https://push.example.com/1', 'text/plain')).status).toBe(415);
  expect((await subscribe('no URL')).status).toBe(400);
  expect(calls).toEqual([]);
});

it('reports that the sandbox runs without PNS', async () => {
  const alone = await startSandbox({ port: 0, hasProviders: false });
  const settings = await fetch(`${alone.url}/app/settings`);
  expect([settings.status, await settings.text()]).toEqual([503, expect.stringContaining('without PNS')]);
  await alone.close();
});
