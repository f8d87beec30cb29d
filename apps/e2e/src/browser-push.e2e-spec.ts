import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { type PushSubscriptionJson, type Sandbox, startSandbox } from '@pns/sandbox';
import type { Page } from 'puppeteer-core';
import { generateVAPIDKeys, sendNotification } from 'web-push';
import { eventually } from '@pns/local-servers/waiting';
import { type StartedFirefox, startFirefox } from './firefox';

jest.setTimeout(180_000);

const vapid = generateVAPIDKeys();

/** Subscriptions that the web app registered. */
const subscribed: PushSubscriptionJson[] = [];

let api: Server;
let sandbox: Sandbox;
let agent: Agent;
let firefox: StartedFirefox;

beforeAll(async () => {
  api = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.method === 'GET') return response.end(JSON.stringify({ applicationServerKey: vapid.publicKey }));
    return void json(request).then((body) => {
      const { pushSubscription } = body as { pushSubscription?: PushSubscriptionJson };
      if (pushSubscription !== undefined) subscribed.push(pushSubscription);
      response.end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
  const apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  sandbox = await startSandbox({ port: 0, demo: { apiUrl, apiKey: 'a-key', websocketUrl: 'http://127.0.0.1:1' } });
  agent = new Agent({ ca: sandbox.providers?.authority.cert });
  firefox = await startFirefox(sandbox.browserSocketUrl);
});

afterAll(async () => {
  await firefox?.close();
  agent.destroy();
  await sandbox.close();
  api.close();
});

const stateIs = (page: Page, text: string) =>
  page.waitForFunction(`document.querySelector('#state').textContent.includes(${JSON.stringify(text)})`);

/** A page with the web app, in this state. */
async function opened(state: string): Promise<Page> {
  const page = await firefox.browser.newPage();
  await page.goto(`${sandbox.url}/app/`);
  await stateIs(page, state);
  return page;
}

function newest(): PushSubscriptionJson {
  const subscription = subscribed.at(-1);
  if (subscription === undefined) throw new Error('The page registered no subscription.');
  return subscription;
}

/** Sends a declarative message to a subscription that the web app registered; returns the status of the push service. */
async function push(notification: object, { endpoint, keys } = newest()): Promise<number> {
  const message = JSON.stringify({ web_push: 8030, notification, app_badge: 83 });
  const vapidDetails = { subject: 'mailto:push@example.com', ...vapid };
  const options = { vapidDetails, agent, contentEncoding: 'aes128gcm', TTL: 60 } as const;
  return sendNotification({ endpoint, keys }, message, options).then(
    ({ statusCode }) => statusCode,
    (error: { readonly statusCode: number }) => error.statusCode,
  );
}

/** What Firefox reported to the push service. */
async function reported(): Promise<Readonly<Record<string, number>> | undefined> {
  const browsers = (await (await fetch(`${sandbox.url}/webpush/browsers`)).json()) as {
    readonly reported: Readonly<Record<string, number>>;
  }[];
  return browsers.at(-1)?.reported;
}

/** The pushes that the service worker recorded, with the titles of the notifications that were shown at that time. */
async function received(page: Page): Promise<readonly { readonly text: string; readonly shown: string }[]> {
  await page.waitForSelector('#pushes li');
  return (await page.evaluate(
    `[...document.querySelectorAll('#pushes li')].map((item) => ({ text: item.textContent, shown: item.dataset.shown }))`,
  )) as { text: string; shown: string }[];
}

it('Firefox shows a notification that comes after its tab was closed', async () => {
  const page = await opened('not subscribed');
  await page.click('#allow');
  await stateIs(page, 'is subscribed');
  await page.close();
  expect(newest().endpoint).toMatch(/^https:\/\/localhost:\d+\/push\/[\w-]{43}$/);

  const navigate = `${sandbox.url}/app/`;
  expect(await push({ title: "Let's meet", body: 'Jane Doe', navigate, tag: 'inbox' })).toBe(201);
  await eventually('Firefox reports the delivery', async () => (await reported())?.['delivered'] === 1);

  const later = await opened('is subscribed');
  const text = expect.stringMatching(/ Let's meet: Jane Doe$/) as string;
  expect(await received(later)).toEqual([{ text, shown: '["Let\'s meet"]' }]);
  await later.close();
});

it('Firefox reports a message that was encrypted for another browser', async () => {
  const { keys } = sandbox.providers?.webpush.subscribe() ?? {};
  expect(await push({ title: 'Not for you' }, { ...newest(), ...(keys && { keys }) })).toBe(201);
  await eventually('Firefox reports the error', async () => (await reported())?.['undecryptable'] === 1);
  expect(await reported()).toMatchObject({ delivered: 1 });
});

it('the endpoint is gone after the page stopped notifications', async () => {
  const page = await opened('is subscribed');
  await page.click('#stop');
  await stateIs(page, 'not subscribed');
  await eventually('the endpoint is gone', async () => (await push({ title: 'Too late' })) === 410);
  await page.close();
});
