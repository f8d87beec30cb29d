import { type Sandbox, startSandbox } from '@pns/sandbox';
import type { Page } from 'puppeteer-core';
import { eventually } from '@pns/local-servers/waiting';
import { type StartedFirefox, startFirefox } from './firefox';
import { keepPicture } from './screenshots';
import { apiKey, System } from './system';

jest.setTimeout(180_000);

/** The user of the web app. */
const someone = { context: 1, user: 14 };

let system: System;
let sandbox: Sandbox;
let firefox: StartedFirefox;

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
    processes: { 'worker-websocket': 0, 'worker-webhook': 0, 'worker-webpush': 1 },
    properties: { 'com.openexchange.pns.delayDuration': 0 },
  });
  const demo = { apiUrl: system.app('api').url, apiKey, websocketUrl: 'http://127.0.0.1:1' };
  sandbox = await startSandbox({ port: 0, demo });
  firefox = await startFirefox(sandbox.browserSocketUrl);
});

afterAll(async () => {
  await firefox?.close();
  await sandbox?.close();
  await system?.stop();
});

const stateIs = (page: Page, text: string) =>
  page.waitForFunction(`document.querySelector('#state').textContent.includes(${JSON.stringify(text)})`);

/** Opens the web app in a new page, and waits for this state. */
async function opened(state: string): Promise<Page> {
  const page = await firefox.browser.newPage();
  await page.goto(`${sandbox.url}/app/`);
  await stateIs(page, state);
  return page;
}

interface Registered {
  readonly client: string;
  readonly token: string;
}

/** The subscriptions of the user in PNS. */
async function registered(): Promise<readonly Registered[]> {
  const path = `/v1/subscriptions?context=${someone.context}&user=${someone.user}`;
  return (await system.expect<{ items: readonly Registered[] }>(200, 'GET', path)).items;
}

/** Posts a notification of a new mail to PNS. */
async function post(subject: string): Promise<void> {
  const payload = {
    folder: 'default0/INBOX',
    id: '113',
    displayname: 'Jane Doe',
    subject,
    unread: 83,
    teaser: 'Hello',
  };
  await system.expect(202, 'POST', '/v1/notifications', { ...someone, topic: 'ox:mail:new', payload });
}

/** How many deliveries and errors Firefox reported to the push service, by kind. */
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

it('Firefox shows a notification that PNS sends after its tab was closed', async () => {
  const page = await opened('not subscribed');
  await page.click('#allow');
  await stateIs(page, 'is subscribed');
  await page.close();
  const token = expect.stringMatching(/^https:\/\/localhost:\d+\/push\/[\w-]{43}$/) as string;
  expect(await registered()).toMatchObject([{ client: 'demo-web-app-sandbox', transport: 'webpush', token }]);

  await post("Let's meet");
  await eventually('Firefox reports the delivery', async () => (await reported())?.['delivered'] === 1);
  const { title, body, png } = await eventually(
    'a window shows the notification',
    async () => (await firefox.notificationWindows())[0],
  );
  expect([title, body]).toEqual(["Let's meet", "Jane Doe\nLet's meet"]);
  keepPicture('firefox-notification.png', png);

  const later = await opened('is subscribed');
  const text = expect.stringMatching(/ Let's meet: Jane Doe\nLet's meet$/) as string;
  expect(await received(later)).toEqual([{ text, shown: '["Let\'s meet"]' }]);
  await later.close();
});

it('Firefox reports a message that was encrypted for another browser', async () => {
  const [{ client, token: endpoint }] = (await registered()) as [Registered];
  const keys = sandbox.providers?.webpush.subscribe().keys;
  const topics = ['*'];
  const registration = { ...someone, client, transport: 'webpush', topics, pushSubscription: { endpoint, keys } };
  await system.expect(200, 'POST', '/v1/subscriptions', registration);
  await post('Not for you');
  await eventually('Firefox reports the error', async () => (await reported())?.['undecryptable'] === 1);
  expect(await reported()).toMatchObject({ delivered: 1 });
});

it('PNS removes the subscription after the page stopped notifications', async () => {
  const page = await opened('is subscribed');
  await page.click('#stop');
  await stateIs(page, 'not subscribed');
  await page.close();
  // Firefox informs its push service a moment later.
  await eventually('the endpoint is gone', () => sandbox.providers?.webpush.known().some(({ isEnded }) => isEnded));
  await post('Too late');
  await eventually('PNS has no subscription', async () => (await registered()).length === 0);
  const { items } = await system.expect<{ items: object[] }>(200, 'GET', '/v1/deliveries?client=demo-web-app-sandbox');
  expect(items).toMatchObject([{ outcome: 'gone' }]);
});
