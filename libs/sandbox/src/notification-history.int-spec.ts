import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Arrivals, type NewArrival } from './arrivals';
import { historyRoutes } from './notification-history';
import { fastify, type FastifyInstance } from 'fastify';

const at = Date.UTC(2026, 10, 29, 10, 31);
const iso = (ms: number) => new Date(ms).toISOString();

/** A delivery in the history, with one attempt of 5 ms that began at `startedAt`. */
const delivery = (id: string, transport: string, client: string, startedAt = at) => ({
  ...{ id, transport, client, outcome: 'delivered' },
  attempts: [{ number: 1, at: iso(startedAt), durationMs: 5, outcome: 'delivered' }],
});

/** The recorded notifications, newest first, as the API lists them. */
const recorded = [
  {
    ...{ id: 'later', received: iso(at - 10) },
    deliveries: [delivery('d-later', 'webhook', 'sandbox'), delivery('d-phone-2', 'apns', 'demo-ios', at + 50)],
  },
  { id: 'joined', received: iso(at - 900), joinedInto: 'sent', deliveries: [delivery('d-1', 'webhook', 'sandbox')] },
  {
    ...{ id: 'sent', received: iso(at - 1000) },
    deliveries: [
      delivery('d-1', 'webhook', 'sandbox'),
      delivery('d-phone', 'apns', 'demo-ios'),
      delivery('d-tablet', 'apns', 'other', at + 100),
      delivery('d-android', 'fcm', 'demo-android'),
      delivery('d-browser', 'webpush', 'demo-browser'),
      delivery('d-windows', 'wns', 'demo-windows'),
      delivery('d-socket', 'websocket', 'open-xchange-appsuite'),
    ],
  },
];

let api: Server;
let app: FastifyInstance;
let arrivals: Arrivals;
let asked: string[] = [];

beforeAll(async () => {
  api = createServer((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`);
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ items: recorded }));
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
  const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  app = fastify();
  arrivals = new Arrivals(10);
  const phone = { client: 'demo-ios', transport: 'apns', property: '', token: 'phone', options: {} } as const;
  historyRoutes(app, { apiUrl, apiKey: 'the-key', websocketUrl: '' }, arrivals, [phone]);
});

beforeEach(() => (asked = []));

afterAll(async () => {
  arrivals.close();
  await app.close();
  api.close();
  api.closeAllConnections();
});

/** Adds an arrival and reads its history. */
async function historyOf(
  provider: string,
  body: object | string,
  more: Partial<NewArrival> & { headers?: string[] } = {},
): Promise<{ status: number; body: { notification?: { id: string }; delivery?: string; joined?: { id: string }[] } }> {
  const { headers = [], ...changes } = more;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  arrivals.add({
    ...{ at: at + 2, provider, target: 'x', answer: 200, isDuplicate: false, check: () => [] },
    request: { path: '/', rawHeaders: headers, latin1Body: text },
    ...changes,
  });
  const answer = await app.inject(`/demo/arrivals/${arrivals.lastSeq}/history`);
  return { status: answer.statusCode, body: answer.json() };
}

const webhookBody = { event: 'ox:test', payload: { context: 7, user: 8 } };

it('finds the notification of a webhook for the user in its body, by the id of the delivery', async () => {
  const { body } = await historyOf('webhook', webhookBody, { headers: ['Webhook-Id', 'd-1'] });
  expect(body).toMatchObject({ notification: { id: 'sent' }, delivery: 'd-1', joined: [{ id: 'joined' }] });
  expect(asked).toEqual([`Bearer the-key /v1/notifications?context=7&user=8&until=${iso(at + 3)}&limit=100`]);
});

it.each<[string, object | string, Partial<NewArrival>, string]>([
  ['fcm', { message: { data: { pns_id: 'd-android' } } }, {}, 'd-android'],
  ['webpush', 'encrypted', { decryptedBody: '{"id":"d-browser"}' }, 'd-browser'],
  ['webpush', 'encrypted', {}, 'd-browser'],
  ['wns', '<toast/>', {}, 'd-windows'],
  ['apns', { aps: {}, id: 'of the payload' }, { target: 'phone' }, 'd-phone'],
  ['apns', { aps: {} }, { target: 'phone', at: at + 52 }, 'd-phone-2'],
  ['apns', { aps: {} }, { target: 'tablet', at: at + 104 }, 'd-tablet'],
])('finds the delivery of a push to %s with %j', async (provider, body, changes, id) => {
  const found = await historyOf(provider, body, changes);
  expect(found.body.delivery).toBe(id);
  expect(asked[0]).toContain('context=1&user=14');
});

it.each<[string, object, Partial<NewArrival> & { headers?: string[] }]>([
  ['webhook', webhookBody, { headers: ['webhook-id', 'unknown'] }],
  ['apns', { aps: {} }, { target: 'phone', at: at + 20 }],
  ['apns', { aps: {} }, { target: 'phone', at: at + 104 }],
])('finds nothing for an arrival that is not a recorded attempt: %s', async (provider, body, more) => {
  expect((await historyOf(provider, body, more)).status).toBe(404);
});

it('finds the notification of an event of the socket, also a joined one', async () => {
  for (const id of ['sent', 'joined']) {
    const found = (await app.inject(`/demo/notifications/${id}/history`)).json<object>();
    expect(found).toMatchObject({ notification: { id: 'sent' }, delivery: 'd-socket', joined: [{ id: 'joined' }] });
  }
  expect((await app.inject('/demo/notifications/unknown/history')).statusCode).toBe(404);
  expect((await app.inject('/demo/arrivals/999/history')).statusCode).toBe(404);
});
