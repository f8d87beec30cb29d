import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firefox } from '@pns/local-servers';
import { type Browser, launch } from 'puppeteer-core';

/** A Firefox whose push service is the sandbox. */
export interface StartedFirefox {
  readonly browser: Browser;
  close(): Promise<void>;
}

/**
 * Preferences of a Firefox that allows notifications and uses `pushServerUrl` as its push service.
 * Source: `modules/libpref/init/all.js` of Firefox.
 */
const preferencesFor = (pushServerUrl: string) => ({
  'dom.push.serverURL': pushServerUrl,
  'dom.push.testing.allowInsecureServerURL': true,
  'dom.push.connection.enabled': true, // remote control switches it off
  'dom.push.retryBaseInterval': 200, // ms
  'permissions.default.desktop-notification': 1, // allow
  'alerts.useSystemBackend': false, // that of the system needs D-Bus
  // Firefox asks servers of Mozilla for many things. All of that goes to a port where nothing listens.
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
    extraPrefsFirefox: preferencesFor(pushServerUrl),
  });
  return {
    browser,
    close: async () => {
      await browser.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
