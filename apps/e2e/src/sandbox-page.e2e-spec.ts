import { appendFileSync, chmodSync, copyFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, freshDatabase, startDovecot, type FreshDatabase } from '@pns/local-servers';
import { chromium as playwright, type Browser, type Locator, type Page } from 'playwright-core';
import { appSuiteEvents, appSuiteProducer, sendFromAppSuite } from './app-suite-requests';
import { contrastOf, textsOfPage, type PageText } from './contrast';
import { root } from './doc-page';
import { dovecotSettings } from './dovecot-settings';
import { deliver, ImapClient } from './mail-client';
import { keepPicture } from './screenshots';
import { freePorts, Standalone } from './standalone-process';

jest.setTimeout(180_000);

const dataDir = mkdtempSync(join(tmpdir(), 'pns-page-'));
const configDir = mkdtempSync(join(tmpdir(), 'pns-page-config-'));
let database: FreshDatabase;
let browser: Browser;
let standalone: Standalone;

beforeAll(async () => {
  database = await freshDatabase();
  cpSync(join(root, 'config'), configDir, { recursive: true });
  appendFileSync(join(configDir, 'webhook-producers.yml'), appSuiteProducer);
  standalone = new Standalone(dataDir, { ...freePorts, DATABASE_URL: database.url, PNS_CONFIG_DIR: configDir });
  const { file, env } = chromium((line) => process.stdout.write(`${line}\n`));
  browser = await playwright.launch({
    executablePath: file,
    env: env,
    // Chromium's sandbox cannot start as root, the default in containers. It is not needed, because the page is ours.
    args: ['--no-sandbox', '--force-prefers-reduced-motion'],
  });
});

afterAll(async () => {
  await browser?.close();
  await standalone.end('SIGTERM');
  await database.drop();
  for (const folder of [dataDir, configDir]) rmSync(folder, { recursive: true, force: true });
});

/** Opens an empty page. Its time-outs are long, because the machine may be busy. */
async function newPage(options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage(options);
  page.setDefaultTimeout(100_000);
  return page;
}

/** Opens the page and waits for its Web Socket. `troubles` receives the errors of its scripts. */
async function opened(troubles: string[] = [], options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  await standalone.isRunning();
  const page = await newPage(options);
  page.on('pageerror', ({ message }) => troubles.push(message));
  page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()));
  await page.goto(standalone.sandboxUrl);
  await page.locator('#socket-state', { hasText: /^connected$/ }).waitFor();
  return page;
}

const openDetails = `for (const details of document.querySelectorAll('details')) details.open = true`;

/** An expression that a page evaluates to the names of its fields and buttons. */
const namesOfFields = `[...document.querySelectorAll('input, select, textarea, button')]
  .filter((element) => element.checkVisibility())
  .map((element) => (element.labels?.[0] ?? element).textContent.trim())`;

/** Waits for an attempt of each of the six deliveries; fails unless the timeline then has these steps in this order. */
async function expectSteps(timeline: Locator, sent: string, joined: string): Promise<void> {
  await timeline.locator('li', { hasText: 'attempt 1' }).nth(5).waitFor();
  const names = await timeline.locator('li b').allTextContents();
  // A target is `waiting` until its attempt is recorded, so `waiting` may be shown or not.
  const milestones = names.filter((name) => !name.startsWith('attempt') && name !== 'waiting');
  expect(milestones).toEqual(['received', 'joined', 'due', 'dispatched']);
  expect(await timeline.locator('li', { hasText: 'received' }).textContent()).toContain(sent);
  expect(await timeline.locator('li', { hasText: 'joined' }).textContent()).toContain(joined);
}

const sendDemo = (page: Page) => page.getByRole('button', { name: 'Send the demo notification' }).click();
const titles = (at: Locator) => at.locator('.title').allTextContents();

it('one click on the page sends a notification, and six copies appear', async () => {
  const troubles: string[] = [];
  const page = await opened(troubles);
  await sendDemo(page);

  for (const place of [
    '#socket-cards .card',
    '#webhook-cards .card',
    '.ios .push',
    '.windows .push',
    '.android .push',
    '.browser .push',
  ]) {
    const copy = page.locator(place);
    await copy.first().waitFor();
    expect(await copy.count()).toBe(1);
    expect(await copy.first().locator('.title').textContent()).toBe("Let's meet");
  }
  // On the wire the body is the sender and the subject; the page shows the subject once.
  for (const device of ['.ios', '.windows', '.browser']) {
    expect(await page.locator(`${device} .push .subtitle`).textContent()).toBe('Jane Doe');
    expect(await page.locator(`${device} .push pre`).textContent()).toMatch(/Jane Doe(?:\\n|&#10;)Let/);
  }
  expect(await page.locator('.ios .badge').textContent()).toBe('83');
  expect(await page.locator('#webhook-cards .chip.good').count()).toBe(2); // both signatures are valid
  expect(troubles).toEqual([]);
  await page.setViewportSize({ width: 1180, height: 860 });
  keepPicture('sandbox.png', (await page.screenshot({ fullPage: true })).toString('base64'));
  await page.close();
});

it('each arrival has the timeline of its notification, and the key stays in the sandbox', async () => {
  const troubles: string[] = [];
  const page = await opened(troubles);
  const requests: string[] = [];
  page.on('request', (request) => requests.push(`${request.url()} ${JSON.stringify(request.headers())}`));
  await sendDemo(page); // the demonstration subscribes the webhook
  await page.locator('#demo-hint', { hasText: 'Accepted' }).waitFor();
  const payload = { folder: 'default0/INBOX', displayname: 'Theo', subject: 'Twice' };
  const same = { context: 1, user: 14, topic: 'ox:mail:new', payload };
  const { notifications } = await standalone.call<{ notifications: { id: string }[] }>('POST', '/v1/notifications', {
    notifications: [same, same],
  });
  const [sent, joined] = notifications.map(({ id }) => id);
  for (const place of [
    '#socket-cards .card',
    '#webhook-cards .card',
    '.ios .push',
    '.windows .push',
    '.android .push',
  ]) {
    const card = page.locator(place, { hasText: 'Twice' });
    await card.getByText('Timeline').click();
    const steps = card.locator('.timeline li');
    await steps.filter({ hasText: /^\S+dispatched/ }).waitFor();
    await expectSteps(card.locator('.timeline'), sent ?? '', joined ?? '');
    expect(await card.locator('.timeline .sentence').textContent()).toContain('was delivered to');
  }
  expect(await page.locator('.ios .push', { hasText: 'Twice' }).locator('li.own').textContent()).toMatch(
    /attempt 1demo-ios through apns: delivered after \d+ ms$/,
  );
  expect(await page.locator('.ios .push', { hasText: 'Twice' }).locator('li.own').count()).toBe(1);
  expect(requests.filter((request) => request.includes(standalone.apiKey))).toEqual([]);
  expect(requests.filter((request) => request.includes('/history')).length).toBeGreaterThanOrEqual(5);
  expect(troubles.filter((text) => !text.includes('404'))).toEqual([]); // 404: the history is not written yet
  await page.close();
});

it('requests of App Suite for both topics are delivered over all transports, and their repeats are harmless', async () => {
  const page = await opened();
  await sendDemo(page); // the demonstration subscribes the webhook
  await page.locator('#demo-hint', { hasText: 'Accepted' }).waitFor();
  const delivered = ['apns', 'fcm', 'webhook', 'webpush', 'websocket', 'wns'].map((each) => `${each} delivered 1`);
  for (const event of Object.values(appSuiteEvents)) {
    const { id = '', ...answer } = await sendFromAppSuite(standalone.apiUrl, event);
    expect(answer).toEqual({ status: 202, result: 'accepted' });
    expect([event.event, await standalone.endedDeliveries(id, 6)]).toEqual([event.event, delivered]);
    const repeat = await sendFromAppSuite(standalone.apiUrl, event);
    expect(repeat).toEqual({ status: 202, id, result: 'duplicate' });
  }
  // Notifications arrive in order, so a second push of an earlier notification would arrive before this later notification.
  const { payload, ...rest } = appSuiteEvents['ox:mail:new'];
  const last = await sendFromAppSuite(standalone.apiUrl, { ...rest, payload: { ...payload, subject: 'The last one' } });
  await standalone.endedDeliveries(last.id ?? '', 6);
  for (const place of ['.ios .push', '.android .push', '.windows .push', '.browser .push', '.card']) {
    await page.locator(place, { hasText: 'The last one' }).first().waitFor();
    const copies = await page.locator(place, { hasText: 'From App Suite' }).count();
    expect([place, copies]).toEqual([place, place === '.card' ? 2 : 1]);
  }
  expect(await page.locator('#socket-cards .card', { hasText: 'ox:calendar:updates' }).count()).toBe(1);
  await page.close();
});

it('a mail in Dovecot becomes a push on the phone and in the page, and reading it becomes an event', async () => {
  const page = await opened();
  await sendDemo(page); // the demonstration subscribes the devices
  await page.locator('#demo-hint', { hasText: 'Accepted' }).waitFor();
  const folder = mkdtempSync(join(tmpdir(), 'pns-page-dovecot-'));
  const script = join(folder, 'pns.lua');
  copyFileSync(join(root, 'deploy', 'dovecot', 'pns.lua'), script);
  chmodSync(script, 0o644);
  const api = { apiUrl: standalone.apiUrl, key: standalone.apiKey };
  const dovecot = await startDovecot({ version: '2.4', folder, settings: dovecotSettings('2.4', { ...api, script }) });
  try {
    const imap = await ImapClient.login(dovecot.port, 'john');
    await imap.run('SETMETADATA "" (/private/vendor/vendor.dovecot/http-notify "user=14@1")');
    const mail = 'From: Jane Doe <jane@example.com>\r\nTo: john@example.com\r\nSubject: Lunch?\r\n\r\nAt noon';
    await deliver(dovecot.lmtpPort, 'john', mail);
    for (const place of ['.ios .push', '#socket-cards .card']) {
      const copy = page.locator(place, { hasText: 'Lunch?' });
      await copy.waitFor();
      expect(await copy.locator('.subtitle').textContent()).toContain('Jane Doe');
    }
    await imap.run('SELECT INBOX');
    await imap.run('STORE 1 +FLAGS (\\Seen)');
    const read = page.locator('#socket-cards .card', { hasText: 'ox:mail:read' });
    await read.waitFor();
    expect(await read.locator('pre').textContent()).toContain('"unread": 0');
    await page.locator('.ios .push', { hasText: 'Silent push' }).first().waitFor();
    await page.setViewportSize({ width: 1180, height: 860 });
    keepPicture('dovecot-push.png', (await page.screenshot()).toString('base64'));

    await imap.append('INBOX', mail.replace('Lunch?', 'Dinner?'));
    await page.locator('#socket-cards .card', { hasText: 'Dinner?' }).waitFor();
    await imap.run('STORE 1 +FLAGS (\\Deleted)');
    await imap.run('EXPUNGE');
    const deleted = page.locator('#socket-cards .card', { hasText: 'ox:mail:deleted' });
    await deleted.first().waitFor();
    expect(await deleted.first().locator('pre').textContent()).toContain('"unread": 1');
    imap.close();
  } finally {
    await dovecot.stop();
    rmSync(folder, { recursive: true, force: true });
    await page.close();
  }
});

it('the notification can be edited before it is sent, with the keyboard alone', async () => {
  const troubles: string[] = [];
  const page = await opened(troubles);
  await page.getByText('Edit the notification').focus();
  await page.keyboard.press('Enter');
  const payload = page.getByLabel('Payload, as JSON');
  const subject = 'S'.repeat(9000);
  await payload.fill(JSON.stringify({ folder: 'default0/INBOX', displayname: 'Edith', subject, unread: 2 }));
  await payload.press('Tab');
  await page.keyboard.press('Enter');
  const push = page.locator('.ios .push', { hasText: 'Edith' });
  await push.waitFor();
  expect(await push.locator('.title').textContent()).toMatch(/^S{3000,}…$/);
  expect(await push.locator('.subtitle').textContent()).toMatch(/^Edith…?$/);
  await page.locator('#socket-cards .card', { hasText: 'Edith' }).waitFor();

  const hint = page.locator('#demo-hint');
  await payload.fill('{"folder":');
  await page.getByRole('button', { name: 'Send it' }).click();
  expect(await hint.textContent()).toBe('The payload must be a JSON object.');
  await payload.fill('{"subject":"no folder"}');
  await page.getByRole('button', { name: 'Send it' }).click();
  await hint.filter({ hasText: /payload\.folder/ }).waitFor();
  await page.getByRole('button', { name: 'Undo the edits' }).click();
  expect(await payload.inputValue()).toContain("Let's meet");
  expect(troubles.filter((text) => !text.includes('502'))).toEqual([]); // 502: the message of the browser about a refused request
  await page.close();
});

it('every far side fails on request, and refused deliveries arrive afterwards', async () => {
  const troubles: string[] = [];
  const page = await opened(troubles);
  await page.getByText('Faults on demand').click();
  const faults = page.locator('#faults');
  const choose = (label: string, option: string) => faults.getByLabel(label).selectOption({ label: option });
  for (const [side, kind, shown] of [
    ['iPhone (APNs)', 'answer 503 ServiceUnavailable', 'apns: '],
    ['Android phone (FCM)', 'answer UNAVAILABLE', 'fcm: '],
    ['Windows desktop (WNS)', 'answer 503: unavailable', 'wns: '],
    ['Browser (Web Push)', 'answer 503: unavailable', 'webpush: '],
    ['Webhook', 'answer with a status', 'demo: '],
  ] as const) {
    await choose('Far side', side);
    await choose('Then', kind);
    await faults.getByLabel('Times').fill('1');
    await faults.getByRole('button', { name: 'Misbehave' }).click();
    await page.locator('#fault-state', { hasText: shown }).waitFor();
  }
  await page.getByText('Edit the notification').click();
  const text = JSON.stringify({ folder: 'default0/INBOX', displayname: 'Otto', subject: 'Faulty' });
  await page.getByLabel('Payload, as JSON').fill(text);
  await sendDemo(page);
  for (const device of ['.ios', '.android', '.windows', '.browser']) {
    await page.locator(`${device} .push`, { hasText: 'answered 503' }).waitFor();
    // The next attempt arrives. Its text is also in the refused request, which is therefore excluded.
    await page.locator(`${device} .push`, { hasText: 'Faulty', hasNotText: 'answered 503' }).waitFor();
  }
  await page.locator('#webhook-cards .card', { hasText: 'answered 503' }).waitFor();
  await page.locator('#fault-state').waitFor({ state: 'hidden' });

  await choose('Far side', 'Webhook');
  await choose('Then', 'never answer');
  await faults.getByLabel('Times').fill('');
  await faults.getByRole('button', { name: 'Misbehave' }).click();
  await page.locator('#fault-state', { hasText: '"hang":true' }).waitFor();
  await faults.getByRole('button', { name: 'Behave again' }).click();
  await page.locator('#fault-state').waitFor({ state: 'hidden' });
  expect(troubles).toEqual([]);
  await page.close();
});

it('a Web Socket that was away for a while gets its missed notifications', async () => {
  const page = await opened();
  await page.getByText('Faults on demand').click();
  await page.getByLabel('Far side').selectOption({ label: 'Web Socket of this page' });
  await page.getByLabel('Seconds').fill('600');
  await page.getByRole('button', { name: 'Misbehave' }).click();
  await page.locator('#socket-state', { hasText: 'disconnected' }).waitFor();
  const before = await page.locator('#webhook-cards .card').count();
  await page.getByText('Edit the notification').click();
  await page.getByLabel('Payload, as JSON').fill('{"folder":"default0/INBOX","subject":"While away"}');
  await sendDemo(page);
  await page.locator('#webhook-cards .card', { hasText: 'While away' }).waitFor();
  expect(await page.locator('#webhook-cards .card').count()).toBeGreaterThan(before);
  expect(await titles(page.locator('#socket-cards .card'))).not.toContain('While away');
  await page.getByRole('button', { name: 'Behave again' }).click();
  await page.locator('#socket-cards .card', { hasText: 'While away' }).waitFor();
  await page.close();
});

it.each(['light', 'dark'] as const)(
  'every text of the %s page has the contrast of WCAG AA, 4.5 to 1',
  async (colorScheme) => {
    const page = await opened([], { colorScheme });
    await sendDemo(page);
    await page.locator('.windows .push').first().waitFor();
    await page.evaluate(openDetails);
    await page.locator('.ios .badge', { hasText: '83' }).waitFor();
    const texts: PageText[] = await page.evaluate(textsOfPage);
    expect(texts.find(({ text }) => text === '83')).toBeDefined();
    expect(texts.filter((text) => contrastOf(text) < 4.5)).toEqual([]);
    await page.close();
  },
);

it('the web app subscribes browsers with the VAPID key of PNS', async () => {
  await standalone.isRunning();
  const settings: unknown = await (await fetch(`${standalone.sandboxUrl}/app/settings`)).json();
  expect(settings).toEqual({ applicationServerKey: expect.stringMatching(/^B[\w-]{86}$/) as string });
  const headers = { authorization: `Bearer ${standalone.apiKey}` };
  const key = await fetch(`${standalone.apiUrl}/v1/clients/demo-web-app/webpush-key`, { headers });
  expect(await key.json()).toEqual(settings);
});

it("the API's page fits the screen of a phone, and begins with notifications", async () => {
  await standalone.isRunning();
  const page = await newPage({ viewport: { width: 390, height: 844 }, isMobile: true });
  await page.goto(`${standalone.apiUrl}/docs`);
  const sections = page.locator('.opblock-tag');
  await sections.first().waitFor();
  expect((await sections.allTextContents())[0]).toMatch(/^Notifications/);
  await page.locator('.opblock-summary', { hasText: '/v1/notifications' }).first().click();
  await page.locator('.opblock-body').first().waitFor();
  const widths: number[] = await page.evaluate('[document.documentElement.scrollWidth, window.innerWidth]');
  expect(widths).toEqual([390, 390]);
  await page.close();
});

it('every field and button of the page has a name, and nothing comes from elsewhere', async () => {
  await standalone.isRunning();
  const page = await newPage();
  const hosts = new Set<string>();
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  await page.goto(standalone.sandboxUrl);
  await page.locator('#socket-state', { hasText: /^connected$/ }).waitFor();
  await page.evaluate(openDetails);
  const names: string[] = await page.evaluate(namesOfFields);
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) expect(name).toMatch(/\w/);
  expect([...hosts].filter((host) => !/^(?:127\.0\.0\.1|localhost):\d+$/.test(host) && host !== '')).toEqual([]);
  await page.close();
});
