import { setTimeout as pause } from 'node:timers/promises';
import type { DemoApp, Providers } from '@pns/sandbox';
import { eventually } from '@pns/local-servers/waiting';
import { apiKey, System } from './system';

jest.setTimeout(60_000);

const context = 1;
const webhooks = 'com.openexchange.pns.transport.webhooks.enabled';

let system: System;

beforeAll(async () => {
  system = await System.start({
    hasProviders: true,
    processes: { 'worker-websocket': 0, 'worker-apns': 1 },
    properties: {
      'com.openexchange.pns.delayDuration': 200,
      'com.openexchange.pns.timerFrequency': 50,
      'com.openexchange.pns.retry.baseDelay': 50,
      'com.openexchange.pns.transport.apn.ios.enabled': 'true',
    },
  });
}, 120_000);

afterAll(() => system?.stop());

interface Answer {
  readonly id: string;
  readonly joined?: number;
  readonly joinedInto?: string;
  readonly sentence: string;
  readonly deliveries: readonly {
    readonly client: string;
    readonly outcome: string;
    readonly decidedBy?: object;
    readonly attempts: readonly { readonly number: number; readonly outcome: string }[];
  }[];
}

async function misbehave(box: string, fault: object): Promise<void> {
  const response = await fetch(`${system.sandbox.url}/webhooks/${box}/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  });
  expect(response.status).toBe(200);
}

/** Posts a notification and returns its id. */
async function post(of: { context: number; user: number }, more: object = {}): Promise<string> {
  const body = { ...of, topic: 'ox:test', payload: { n: Math.random() }, ...more };
  const answer = await system.expect<{ notifications: { id: string }[] }>(202, 'POST', '/v1/notifications', body);
  return answer.notifications[0]?.id ?? '';
}

/** Waits until the sentence in the history of a notification matches, and returns the history. */
async function historyOf(id: string, sentence: RegExp): Promise<Answer> {
  let last = '';
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const response = await system.request('GET', `/v1/notifications/${id}`);
    last = await response.text();
    const answer = JSON.parse(last) as Answer;
    if (response.status === 200 && sentence.test(answer.sentence)) return answer;
    await pause(50);
  }
  throw new Error(`The history has no such sentence: ${last}`);
}

it('delivered to all', async () => {
  const of = { context, user: 1 };
  await system.subscribe(of, 'one');
  await system.subscribe(of, 'two');
  const id = await post(of);
  const { deliveries } = await historyOf(
    id,
    /^ox:test for user 1 in context 1 was received at .* and was delivered to 2 of 2 targets\. Delivered at the first attempt: sandbox through webhook, sandbox through webhook\.$/,
  );
  expect(deliveries.map(({ outcome }) => outcome)).toEqual(['delivered', 'delivered']);
});

it('joined into another', async () => {
  const of = { context, user: 2 };
  await system.subscribe(of, 'joined');
  const payload = { same: true };
  const [first, second] = [await post(of, { payload, id: 'a-first' }), await post(of, { payload, id: 'a-second' })];
  expect((await historyOf(first, /was delivered to 1 of 1 target\./)).joined).toBe(2);
  const { joinedInto } = await historyOf(
    second,
    /was joined into notification a-first, which was delivered to 1 of 1 target\./,
  );
  expect(joinedInto).toBe(first);
});

it('no subscription', async () => {
  const id = await post({ context, user: 3 });
  await historyOf(
    id,
    /was sent to no target, because no subscription and no open socket of the user matches the topic\.$/,
  );
});

it('switched off at context scope', async () => {
  const of = { context: 2, user: 4 };
  await system.subscribe(of, 'off');
  await system.expect(200, 'PUT', `/v1/config/contexts/2/properties/${webhooks}`, { value: false });
  await system.untilObeyed(of, webhooks, false);
  await pause(1000); // the dispatcher applies the change within a second
  const id = await post(of);
  const { deliveries } = await historyOf(
    id,
    new RegExp(`sandbox through webhook: not sent, because ${webhooks} is false for the context\\.$`),
  );
  expect(deliveries).toMatchObject([
    { client: 'sandbox', outcome: 'suppressed', decidedBy: { name: webhooks, origin: { scope: 'context' } } },
  ]);
});

it('answered 500 three times, then 200', async () => {
  const of = { context, user: 5 };
  await system.subscribe(of, 'slow');
  await misbehave('slow', { status: 500, times: 3 });
  const id = await post(of);
  const { deliveries } = await historyOf(
    id,
    /delivered to 1 of 1 target\. sandbox through webhook: delivered at attempt 4 after 3 failed attempts \(The endpoint answered 500\.\)\.$/,
  );
  expect(deliveries[0]?.attempts.map(({ number, outcome }) => [number, outcome])).toEqual([
    [1, 'retry'],
    [2, 'retry'],
    [3, 'retry'],
    [4, 'delivered'],
  ]);
});

it('device gone', async () => {
  const { apns } = system.sandbox.providers as Providers;
  const app = system.sandbox.demoApps.find(({ transport }) => transport === 'apns') as DemoApp;
  const { client, transport, token, options } = app;
  await system.expect(200, 'PUT', `/v1/clients/${client}/transports/${transport}`, options);
  await system.expect(201, 'POST', '/v1/subscriptions', { context, user: 6, client, transport, token, topics: ['*'] });
  apns.device(token).faults.set({ status: 410, reason: 'Unregistered', times: 1 });
  const id = await post({ context, user: 6 }, { topic: 'ox:mail:new', payload: { folder: 'default0/INBOX', id: '1' } });
  await historyOf(
    id,
    /delivered to none of 1 target\. demo-ios through apns: its target is gone \(.*\), so the subscription was removed\.$/,
  );
});

it('expired while the endpoint was deferred', async () => {
  const of = { context, user: 7 };
  await system.subscribe(of, 'dead');
  await misbehave('dead', { status: 500 });
  for (let count = 0; count < 6; count++) await post(of);
  const worker = system.app('worker-webhook');
  await eventually('a circuit is open', async () =>
    [...(await worker.metric('pns_circuit_open'))].some(([, open]) => open > 0),
  );
  const id = await post(of, { ttlSeconds: 1 });
  const { deliveries } = await historyOf(
    id,
    /delivered to none of 1 target\. sandbox through webhook: expired after \d+ deferrals?, because the time to live ended/,
  );
  expect(deliveries[0]?.attempts.at(0)?.outcome).toMatch(/deferred|retry/);
});

it('is listed for a user, with filters and as CSV, and counted', async () => {
  const list = await system.expect<{ items: Answer[] }>(200, 'GET', '/v1/notifications?context=1&user=5');
  expect(list.items).toMatchObject([{ deliveries: [{ outcome: 'delivered' }] }]);
  const gone = await system.expect<{ items: Answer[] }>(200, 'GET', '/v1/notifications?context=1&user=6&outcome=gone');
  expect(gone.items).toHaveLength(1);
  const headers = { authorization: `Bearer ${apiKey}`, accept: 'text/csv' };
  const csv = await fetch(`${system.app('api').url}/v1/notifications?context=1&user=2&limit=1`, { headers });
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  expect(csv.headers.get('link')).toMatch(/^<\/v1\/notifications\?context=1&user=2&limit=1&cursor=\S+>; rel="next"$/);
  expect(await csv.text()).toMatch(/^id,context,user,topic,.*\r\na-second,1,2,ox:test,.*\r\n$/);
  const hours = `from=${new Date(Date.now() - 3_600_000).toISOString()}&to=${new Date(Date.now() + 3_600_000).toISOString()}`;
  const usage = () => system.expect<{ items: object[] }>(200, 'GET', `/v1/usage?${hours}&context=2&by=client&per=day`);
  await eventually('usage is counted', async () => (await usage()).items.length > 0);
  expect((await usage()).items[0]).toMatchObject({ client: 'sandbox', delivered: 0, failed: 0, suppressed: 1 });
});
