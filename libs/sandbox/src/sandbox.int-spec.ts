import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { json } from 'node:stream/consumers';
import { demoSignatureSecret } from '@pns/transport-contract';
import { Webhook } from 'standardwebhooks';
import { type Sandbox, startSandbox } from './sandbox';
import type { WebhookArrivalsView } from './webhook/webhook.routes';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await startSandbox({ port: 0, keep: 50, hasProviders: false });
});
afterEach(() => sandbox.close());

const body = '{"event":"ox:mail:new","payload":{"user":14},"timestamp":1694677849605}';

/** The headers of a sender with this secret. */
function signed(secret = demoSignatureSecret, { time = 1694677849605, separator = ', ', text = body } = {}) {
  const hex = createHmac('sha256', secret).update(`v1:${time}:${text}`).digest('hex');
  const now = new Date();
  return {
    'x-ox-signature': `t=${time}${separator}v1=${hex}`,
    'webhook-id': 'w-1',
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(Buffer.from(secret), { format: 'raw' }).sign('w-1', now, text),
  };
}

function post(headers: Record<string, string>, path = '/webhooks/demo', text = body): Promise<Response> {
  return fetch(sandbox.url + path, { method: 'POST', headers, body: text });
}

function put(path: string, json: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(sandbox.url + path, { method: 'PUT', headers, body: JSON.stringify(json) });
}

async function arrivals(query = '', name = 'demo'): Promise<WebhookArrivalsView> {
  return (await (await fetch(`${sandbox.url}/webhooks/${name}/arrivals${query}`)).json()) as WebhookArrivalsView;
}

it('answers /health and /metrics like every app', async () => {
  const answers = ['/health/live', '/health/ready', '/metrics'].map((path) => fetch(sandbox.url + path));
  const [live, ready, metrics] = await Promise.all(answers.map(async (answer) => (await answer).text()));
  expect([live, ready]).toEqual(['{"status":"ok"}', '{"status":"ok","parts":{}}']);
  expect(metrics).toContain('process_cpu_seconds_total');
});

describe('the verdict on a signature', () => {
  const bad = 'not the secret';
  it.each<[string, Record<string, string>, string, string]>([
    ['the right secret', signed(), 'valid', 'valid'],
    [
      'no blank after the comma, as in the text of the original',
      signed(undefined, { separator: ',' }),
      'valid',
      'valid',
    ],
    ['another secret', signed(bad), 'invalid', 'invalid'],
    ['another body', signed(undefined, { text: '{}' }), 'invalid', 'invalid'],
    ['another time than that of the body', signed(undefined, { time: 5 }), 'invalid', 'valid'],
    [
      'two signatures, one of which is right',
      { 'x-ox-signature': `${signed(bad)['x-ox-signature']}, ${signed()['x-ox-signature'].split(', ')[1]}` },
      'valid',
      'missing',
    ],
    ['no time', { 'x-ox-signature': signed()['x-ox-signature'].replace(/t=\d+, /, '') }, 'invalid', 'missing'],
    ['a cut signature', { 'x-ox-signature': signed()['x-ox-signature'].slice(0, -1) }, 'invalid', 'missing'],
    ['malformed headers', { 'x-ox-signature': 'x', 'webhook-signature': 'y' }, 'invalid', 'invalid'],
    ['an old second', { ...signed(), 'webhook-timestamp': '1694677849' }, 'valid', 'invalid'],
    ['no headers', {}, 'missing', 'missing'],
  ])(
    'with %s is right for X-OX-Signature and for Standard Webhooks',
    async (_, headers, oxSignature, standardWebhooks) => {
      await post(headers);
      expect((await arrivals()).items).toMatchObject([{ oxSignature, standardWebhooks, body }]);
    },
  );

  it('uses the secret that was set for a webhook', async () => {
    expect((await put('/webhooks/demo/secret', { signatureSecret: bad })).status).toBe(204);
    await post(signed(bad));
    await post(signed());
    expect((await arrivals()).items).toMatchObject([{ oxSignature: 'valid' }, { oxSignature: 'invalid' }]);
  });
});

describe('arrivals', () => {
  it('are kept unchanged, by webhook', async () => {
    const text = '{"a":"ü👋",  "b":1}\n';
    await post({ 'X-Several': 'one' }, '/webhooks/demo/below?x=1', text);
    await post({}, '/webhooks/other');
    const { items } = await arrivals();
    expect(items).toMatchObject([{ path: '/webhooks/demo/below?x=1', body: text, headers: { 'x-several': 'one' } }]);
  });

  it('count an id as repeated only if it was accepted before', async () => {
    await put('/webhooks/demo/faults', { status: 503, times: 1 });
    for (const id of ['a', 'a', 'a', 'b']) await post({ 'webhook-id': id });
    const view = await arrivals();
    expect(view).toMatchObject({ total: 4, accepted: 2, duplicates: 1 });
    expect(view.items.map(({ answer, isDuplicate }) => [answer, isDuplicate])).toEqual([
      [503, false],
      [204, false],
      [204, true],
      [204, false],
    ]);
  });

  it('can be read from the last position, and be awaited', async () => {
    await post({});
    const { nextSince } = await arrivals();
    const waiting = arrivals(`?since=${nextSince}&waitMs=30000`);
    await post({ 'webhook-id': 'awaited' });
    expect((await waiting).items).toMatchObject([{ headers: { 'webhook-id': 'awaited' } }]);
    const view = await arrivals(`?since=${(await waiting).nextSince}&waitMs=1`);
    expect(view).toMatchObject({ items: [], nextSince: (await waiting).nextSince });
  });

  it('are deleted beyond the newest 50, and still counted', async () => {
    for (let i = 0; i < 60; i++) await post({ 'webhook-id': `w-${i}` });
    const { total, items } = await arrivals();
    expect([total, items.length, items[0]?.headers['webhook-id']]).toEqual([60, 50, 'w-10']);
  });

  it('are cleared with their counts, for one webhook only', async () => {
    await post({});
    await post({}, '/webhooks/other');
    await fetch(`${sandbox.url}/webhooks/demo/arrivals`, { method: 'DELETE' });
    expect(await arrivals()).toMatchObject({ total: 0, items: [] });
    expect((await arrivals('', 'other')).items).toHaveLength(1);
  });

  it('are refused beyond a mebibyte', async () => {
    expect((await post({}, undefined, 'x'.repeat(1024 * 1024 + 1))).status).toBe(413);
    expect((await arrivals()).total).toBe(0);
  });
});

describe('a fault', () => {
  it('is applied the given number of times', async () => {
    await put('/webhooks/demo/faults', { status: 429, headers: { 'retry-after': '2' }, times: 2 });
    const answers = [await post({}), await post({}), await post({})];
    expect(answers.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
      [429, '2'],
      [429, '2'],
      [204, null],
    ]);
  });

  it('is applied until it is removed, for one webhook only', async () => {
    await put('/webhooks/demo/faults', { status: 500 });
    expect([(await post({})).status, (await post({})).status]).toEqual([500, 500]);
    expect((await post({}, '/webhooks/other')).status).toBe(204);
    await fetch(`${sandbox.url}/webhooks/demo/faults`, { method: 'DELETE' });
    expect((await post({})).status).toBe(204);
  });

  it('can be a late answer, a reset, or no answer', async () => {
    await put('/webhooks/demo/faults', { delayMs: 200, times: 1 });
    const start = performance.now();
    expect((await post({})).status).toBe(204);
    expect(performance.now() - start).toBeGreaterThanOrEqual(195);
    await put('/webhooks/demo/faults', { reset: true, times: 1 });
    await expect(post({})).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    await put('/webhooks/demo/faults', { hang: true });
    const { nextSince } = await arrivals();
    const patience = new AbortController();
    const unanswered = fetch(`${sandbox.url}/webhooks/demo`, { method: 'POST', signal: patience.signal });
    const isGivenUp = expect(unanswered).rejects.toThrow('enough');
    await arrivals(`?since=${nextSince}&waitMs=25000`);
    setTimeout(() => patience.abort(new Error('enough')), 200);
    await isGivenUp;
    expect((await arrivals()).items.map(({ answer }) => answer)).toEqual([204, 'reset', 'hang']);
  });

  it.each([{ status: 99 }, { delay: 1 }, { delayMs: -1 }, { headers: { a: 'b\r\nc' } }, []])(
    'is refused if it is malformed: %j',
    async (fault) => expect((await put('/webhooks/demo/faults', fault)).status).toBe(400),
  );
});

describe('the page', () => {
  it.each(['/', '/sandbox.css', '/sandbox.js', '/socket.io.min.js'])('serves %s', async (path) => {
    const response = await fetch(sandbox.url + path);
    expect(response.status).toBe(200);
    expect((await response.text()).length).toBeGreaterThan(1000);
  });

  it('is sent each arrival with its verdicts at once', async () => {
    await post(signed());
    const stop = new AbortController();
    const feed = await fetch(`${sandbox.url}/feed`, { signal: stop.signal });
    const reader = feed.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const until = async (part: string) => {
      while (!text.includes(part)) text += (await reader?.read())?.value ?? '';
    };
    await until('"verdict":"valid"');
    await post({ 'webhook-id': 'live' });
    await until('"webhook-id":"live"');
    await until('"total":2,"accepted":2');
    stop.abort();
  });

  it('sends the demonstration through a server that keeps the API key', async () => {
    const asked: [string | undefined, string | undefined][] = [];
    const posted: unknown[] = [];
    const api = createServer((request, response) => {
      asked.push([request.url, request.headers.authorization]);
      if (request.url === '/v1/notifications') void json(request).then((body) => posted.push(body));
      response
        .writeHead(request.url === '/v1/sessions' ? 403 : 202, { 'content-type': 'application/json' })
        .end('{"a":1}');
    }).listen(0, '127.0.0.1');
    await once(api, 'listening');
    const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
    const demo = await startSandbox({
      port: 0,
      hasProviders: false,
      demo: { apiUrl, apiKey: 'the-key', websocketUrl: 'http://ws' },
    });
    const send = (path: string, type = 'application/json', body: object = {}) =>
      fetch(demo.url + path, { method: 'POST', headers: { 'content-type': type }, body: JSON.stringify(body) });

    const sent = await send('/demo/notification');
    const refused = await send('/demo/session');
    expect([sent.status, await sent.json()]).toEqual([200, { a: 1 }]);
    expect([refused.status, await refused.text()]).toEqual([502, expect.stringContaining('/v1/sessions answered 403')]);
    expect(asked).toEqual(
      ['/v1/subscriptions', '/v1/notifications', '/v1/sessions'].map((path) => [path, 'Bearer the-key']),
    );
    expect((await send('/demo/notification', 'text/plain')).status).toBe(415);
    const edits = { topic: 'a:b', priority: 'low', payload: { subject: 'Edited' } };
    expect((await send('/demo/notification', undefined, edits)).status).toBe(200);
    expect(posted).toMatchObject([{ topic: 'ox:mail:new' }, { context: 1, user: 14, ...edits }]);
    for (const bad of [{ user: 15 }, { context: 2 }, { payload: 'text' }, { priority: 'urgent' }]) {
      expect((await send('/demo/notification', undefined, bad)).status).toBe(400);
    }
    expect(await (await fetch(`${demo.url}/demo`)).text()).not.toContain('the-key');

    await demo.close();
    api.close();
    api.closeAllConnections();
  });

  it('has no demonstration without a running PNS', async () => {
    expect(await (await fetch(`${sandbox.url}/demo`)).json()).toMatchObject({ isAvailable: false });
    expect((await fetch(`${sandbox.url}/demo/notification`, { method: 'POST' })).status).toBe(404);
  });
});

it('the error names a port that is in use', async () => {
  await expect(startSandbox({ port: sandbox.port, hasProviders: false })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining(String(sandbox.port)) as string,
  });
});
