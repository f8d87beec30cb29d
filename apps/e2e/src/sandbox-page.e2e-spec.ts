import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@pns/local-servers';
import { chromium as playwright, type Browser } from 'playwright-core';
import { Standalone } from './standalone-process';

jest.setTimeout(180_000);

const dataDir = mkdtempSync(join(tmpdir(), 'pns-page-'));
let browser: Browser;
let standalone: Standalone;

beforeAll(async () => {
  chmodSync(dataDir, 0o755); // Postgres may run as another account
  standalone = new Standalone(dataDir);
  const { file, env } = chromium((line) => process.stdout.write(`${line}\n`));
  browser = await playwright.launch({
    executablePath: file,
    env: env,
    // The page is ours, and as root, which a container is by default, the sandbox of Chromium cannot start.
    args: ['--no-sandbox', '--force-prefers-reduced-motion'],
  });
});

afterAll(async () => {
  await browser?.close();
  await standalone.end('SIGTERM');
  rmSync(dataDir, { recursive: true, force: true });
});

it('one click on the page, and five copies appear', async () => {
  await standalone.isRunning();
  const page = await browser.newPage();
  const troubles: string[] = [];
  page.on('pageerror', ({ message }) => troubles.push(message));
  await page.goto(standalone.sandboxUrl);
  await page.locator('#socket-state', { hasText: /^connected$/ }).waitFor();
  await page.getByRole('button', { name: 'Send the demo notification' }).click();

  for (const place of [
    '#socket-cards .card',
    '#webhook-cards .card',
    '.ios .push',
    '.windows .push',
    '.android .push',
  ]) {
    const copy = page.locator(place);
    await copy.first().waitFor();
    expect(await copy.count()).toBe(1);
    expect(await copy.first().locator('.title').textContent()).toBe("Let's meet");
  }
  expect(await page.locator('.ios .push .subtitle').textContent()).toBe("Jane Doe\nLet's meet");
  expect(await page.locator('.ios .badge').textContent()).toBe('83');
  expect(await page.locator('#webhook-cards .chip.good').count()).toBe(2); // both signatures
  expect(troubles).toEqual([]);
  await page.close();
});
