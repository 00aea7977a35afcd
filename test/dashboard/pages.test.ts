import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { fillState } from '../bench/fill-state.ts';
import { EMAIL, openDesk, openSandbox } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { browserTest, hasBrowser, keepScreenshot, launchBrowser, signedIn, violationsOf } from './browser.ts';
import { openDashboard, type TestDashboard } from './support.ts';

const sandbox = await openSandbox({ receiver: { users: [EMAIL] } });
const desk = openDesk(sandbox);
const HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)> \u202eevil';
const SIZES = [
  [360, 740],
  [1280, 800],
  [3840, 2160],
] as const;

let dashboard: TestDashboard;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  if (!hasBrowser) return;
  await desk.run(['upload', makeRecording({ name: 'done-1' }), '--title', 'Weekly sync']);
  await desk.run(['upload', makeRecording({ name: 'held-1' }), '--email', 'nobody@example.com']);
  await desk.run(['upload', makeRecording({ name: 'hostile' }), '--title', HOSTILE]);
  await desk.run(['upload', makeRecording({ name: 'long' }), '--title', 'long '.repeat(2_000)]);
  sandbox.faults.add({
    server: 'webhook',
    action: { answer: { status: 400, body: `${HOSTILE} ${'x'.repeat(10_000)}` } },
  });
  await desk.run(['upload', makeRecording({ name: 'answered' })]);
  sandbox.faults.clear();
  dashboard = await openDashboard(desk);
  browser = await launchBrowser();
  ({ context, page, complaints } = await signedIn(browser, dashboard.signInAddress));
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.close();
});

const PATHS = [
  '/',
  '/recordings',
  '/recordings/held-1',
  '/recordings/hostile',
  '/recordings/long',
  '/recordings/answered',
  '/webhooks',
  '/webhooks?state=waiting',
  '/actions/new?action=retry&id=held-1',
  '/logs',
  '/doctor',
  '/none',
];

describe('each page', () => {
  browserTest.each(PATHS)(
    '%s: axe-core has no complaint, in light and dark; nothing is wider than the screen',
    async path => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        for (const [width, height] of SIZES) {
          await page.setViewportSize({ width, height });
          await page.goto(dashboard.address + path);
          await page.waitForSelector('.light.live');
          expect(await violationsOf(page)).toEqual([]);
          expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
          await keepScreenshot(page, `${path.replace(/\W+/g, '-')}-${width}-${colorScheme}`);
        }
      }
      expect(complaints).toEqual([]);
    },
  );

  browserTest('the sign-in page, too', async () => {
    const fresh = await browser.newContext();
    const signIn = await fresh.newPage();
    await signIn.goto(`${dashboard.address}/recordings`);
    expect(await signIn.inputValue('input[name="to"]')).toBe('/recordings');
    expect(await violationsOf(signIn)).toEqual([]);
    await fresh.close();
  });

  browserTest('texts from recordings are text, and cannot turn the line around', async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(`${dashboard.address}/recordings/hostile`);
    expect(await page.textContent('h1')).toContain(
      '<script>alert(1)</script>"><img src=x onerror=alert(1)> \\u202eevil',
    );
    expect(await page.locator('main img').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  browserTest('what servers answer is text, too, and not all of it', async () => {
    await page.goto(`${dashboard.address}/recordings/answered`);
    const answer = (await page.textContent('.tries')) ?? '';
    expect(answer).toContain('<script>alert(1)</script>');
    expect(answer).not.toContain('\u202e');
    expect(answer.length).toBeLessThan(3_000);
    expect(complaints).toEqual([]);
  });

  browserTest('three hundred recordings come page by page, each of them once', async () => {
    const many = openDesk(sandbox);
    mkdirSync(many.stateDir, { recursive: true, mode: 0o700 });
    await fillState(many.stateDir, 300);
    const other = await openDashboard(many);
    const { context: own, page: list } = await signedIn(browser, other.signInAddress);
    await list.goto(`${other.address}/recordings`);
    const seen: string[] = [];
    for (;;) {
      seen.push(...(await list.locator('tbody .id').allTextContents()));
      const older = list.getByRole('link', { name: 'Older' });
      if ((await older.count()) === 0) break;
      const before = list.url();
      await older.click();
      await list.waitForURL(url => url.href !== before);
    }
    expect(seen).toEqual(Array.from({ length: 300 }, (_, index) => `recording-${299 - index}`));
    await list.getByRole('link', { name: 'Newest' }).click();
    await list.getByText('300 recordings').waitFor();
    await own.close();
    await other.close();
  });

  browserTest('nothing jumps when the script takes over', async () => {
    await page.setViewportSize({ width: 1280, height: 800 });
    for (const path of ['/', '/recordings', '/webhooks', '/recordings/done-1']) {
      await page.goto(dashboard.address + path);
      await page.waitForSelector('.light.live');
      await page.waitForTimeout(300);
      const shift = await page.evaluate(`new Promise(resolve => {
        let sum = 0;
        new PerformanceObserver(list => { for (const entry of list.getEntries()) sum += entry.value; })
          .observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => resolve(sum), 200);
      })`);
      expect([path, Number(shift) < 0.01]).toEqual([path, true]);
    }
  });

  browserTest('without JavaScript, all of it is there', async () => {
    const { cookies } = await context.storageState();
    const plain = await browser.newContext({ javaScriptEnabled: false });
    await plain.addCookies(cookies);
    const still = await plain.newPage();
    const shown: Record<string, string> = {
      '/': 'held-1',
      '/recordings': 'Weekly sync',
      '/webhooks': 'held-1',
      '/logs': 'Webhook',
    };
    for (const [path, text] of Object.entries(shown)) {
      await still.goto(dashboard.address + path);
      expect(await still.textContent('main')).toContain(text);
    }
    await plain.close();
  });
});
