import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firefox } from '@pns/local-servers';
import { type Browser, launch } from 'puppeteer-core';

/** A window in which Firefox shows a notification. */
interface NotificationWindow {
  readonly title: string;
  readonly body: string;
  /** A picture of the window, as PNG in base64. */
  readonly png: string;
}

/** A Firefox whose push service is the sandbox. */
export interface StartedFirefox {
  readonly browser: Browser;
  /** The notifications that are completely visible now. */
  notificationWindows(): Promise<NotificationWindow[]>;
  close(): Promise<void>;
}

/** The WebDriver BiDi connection, which puppeteer does not declare. It is the only access to windows other than tabs. */
interface BidiBrowser {
  readonly connection: {
    send(method: string, parameters: object): Promise<{ readonly result: unknown }>;
  };
}

/** Resolves in a window of Firefox itself with a `NotificationWindow` as JSON; null if it is not completely visible. */
const notificationOfWindow = `(async () => {
  const box = document.getElementById('alertBox');
  const isSized = box !== null && window.innerWidth >= box.clientWidth && box.clientWidth > 100;
  if (!isSized || getComputedStyle(box).opacity !== '1') return 'null'; // it loads, or it fades in or out
  const area = new DOMRect(0, 0, window.innerWidth, window.innerHeight);
  const picture = await window.browsingContext.currentWindowGlobal.drawSnapshot(area, 2, 'white');
  const canvas = document.createElementNS('http://www.w3.org/1999/xhtml', 'canvas');
  [canvas.width, canvas.height] = [picture.width, picture.height];
  canvas.getContext('2d').drawImage(picture, 0, 0);
  return JSON.stringify({
    title: document.getElementById('alertTitleLabel').value,
    body: document.getElementById('alertTextLabel').textContent,
    png: canvas.toDataURL().split(',')[1],
  });
})()`;

async function notificationWindows(browser: Browser): Promise<NotificationWindow[]> {
  const { connection } = browser as unknown as BidiBrowser;
  const { result } = await connection.send('browsingContext.getTree', { 'moz:scope': 'chrome' });
  const { contexts } = result as { contexts: readonly { readonly context: string; readonly url: string }[] };
  const windows = contexts.filter(({ url }) => url.endsWith('/alert.xhtml'));
  const shown = await Promise.all(
    windows.map(async ({ context }) => {
      const parameters = { expression: notificationOfWindow, target: { context }, awaitPromise: true };
      // A window may close meanwhile.
      const answer = await connection.send('script.evaluate', parameters).catch(() => undefined);
      const { result: json } = (answer?.result ?? {}) as { result?: { value: string } };
      return JSON.parse(json?.value ?? 'null') as NotificationWindow | null;
    }),
  );
  return shown.filter((each) => each !== null);
}

/**
 * Preferences of a Firefox that allows notifications and uses `pushServerUrl` as its push service.
 * Source: `modules/libpref/init/all.js` of Firefox.
 */
const preferencesFor = (pushServerUrl: string) => ({
  'dom.push.serverURL': pushServerUrl,
  'dom.push.testing.allowInsecureServerURL': true,
  'dom.push.connection.enabled': true, // remote control of Firefox would switch this off
  'dom.push.retryBaseInterval': 200, // in ms
  'permissions.default.desktop-notification': 1, // 1 means: allow
  'alerts.useSystemBackend': false, // the system's backend needs D-Bus
  // Firefox also sends requests to servers of Mozilla. They fail, because nothing listens on the port of this proxy.
  'network.proxy.type': 1,
  'network.proxy.http': '127.0.0.1',
  'network.proxy.http_port': 9,
  'network.proxy.ssl': '127.0.0.1',
  'network.proxy.ssl_port': 9,
  'network.proxy.no_proxies_on': 'localhost, 127.0.0.1',
});

/** Starts Firefox without windows, with a new profile. */
export async function startFirefox(pushServerUrl: string): Promise<StartedFirefox> {
  const { file, env } = firefox((line) => process.stdout.write(`${line}\n`));
  const home = mkdtempSync(join(tmpdir(), 'pns-firefox-'));
  const browser = await launch({
    browser: 'firefox',
    executablePath: file,
    headless: true,
    env: { ...env, HOME: home },
    args: ['--remote-allow-system-access'], // gives access to the windows of notifications
    extraPrefsFirefox: preferencesFor(pushServerUrl),
  });
  return {
    browser,
    notificationWindows: () => notificationWindows(browser),
    close: async () => {
      await browser.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
