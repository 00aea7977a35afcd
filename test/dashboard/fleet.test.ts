import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { describeWithPostgres, useCluster } from '../state/postgres/support.ts';
import { type Desk, openDesk, openSandbox } from '../support/desk.ts';
import { makeFleet, WITH_PASSWORD } from '../support/fleet.ts';
import { makeRecording } from '../support/make-recording.ts';
import type { RunningCli } from '../support/run-cli.ts';
import { browserTest, hasBrowser, keepScreenshot, launchBrowser, signedIn, until, violationsOf } from './browser.ts';
import { openDashboard, type TestDashboard } from './support.ts';

/* What the dashboard shows of a fleet, in a real browser. */

const sandbox = await openSandbox({ receiver: { users: 'any' } });
const BROKEN = { answer: { status: 403, code: 'AccessDenied' } };

describeWithPostgres('the dashboard of a fleet', () => {
  const stage = useCluster(WITH_PASSWORD);
  let dashboard: TestDashboard;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  let studioA: Desk;
  let worker: RunningCli;

  beforeAll(async () => {
    if (!hasBrowser) return;
    const { desks } = await makeFleet(stage.cluster, sandbox, ['studio-a', 'studio-b']);
    const studioB = desks[1];
    studioA = desks[0];
    await studioA.run(['upload', makeRecording({ name: 'morning' }), '--title', 'Morning in A']);
    sandbox.faults.add({ server: 's3', operation: 'PutObject', key: 'evening/video.mkv', action: BROKEN });
    await studioB.run(['upload', makeRecording({ name: 'evening' }), '--title', 'Evening in B']);
    const root = join(studioA.cwd, 'recordings');
    mkdirSync(root);
    worker = studioA.start(['watch', root]);
    await worker.prints('watching');
    dashboard = await openDashboard(studioB);
    browser = await launchBrowser();
    ({ page, complaints } = await signedIn(browser, dashboard.signInAddress));
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await dashboard?.close();
    worker?.kill('SIGTERM');
    await worker?.result;
  });

  const rows = () => page.locator('tbody .id').allTextContents();

  browserTest('shows who is alive, since when, and what it is doing, as it changes', async () => {
    await page.goto(dashboard.address);
    await page.waitForSelector('.light.live');
    const machines = page.locator('section', { has: page.getByRole('heading', { name: 'Workers' }) });
    await machines.getByText('watching (process').waitFor();
    const [a = '', b = ''] = await machines.locator('li').allTextContents();
    expect(a).toMatch(/^alivestudio-asince .*watching \(process \d+\), idle$/);
    expect(b).toMatch(/^not runningstudio-blast began /);
    expect(await page.locator('#attention').textContent()).toContain('studio-b: ');
    worker.kill('SIGTERM');
    await worker.result;
    await until(page, `document.body.textContent.includes('not runningstudio-a')`);
    expect(complaints).toEqual([]);
  });

  browserTest('narrows recordings to one machine, by an address that can be shared and with the keyboard', async () => {
    await page.goto(`${dashboard.address}/recordings`);
    await page.waitForSelector('.light.live');
    expect(await rows()).toEqual(['evening', 'morning']);
    expect(await page.locator('tbody tr').first().textContent()).toContain('studio-b');
    await page.getByLabel('Machine').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    await page.getByRole('button', { name: 'Show' }).press('Enter');
    await page.waitForURL('**machine=studio-a**');
    expect(await rows()).toEqual(['morning']);
    await page.reload();
    expect([await rows(), await page.getByLabel('Machine').inputValue()]).toEqual([['morning'], 'studio-a']);
    await page.getByRole('link', { name: 'Clear' }).click();
    await page.waitForURL('**/recordings');
    expect(await rows()).toEqual(['evening', 'morning']);
    // A machine that nobody knows narrows nothing.
    await page.goto(`${dashboard.address}/recordings?machine=studio-c`);
    expect(await rows()).toEqual(['evening', 'morning']);
    await page.goto(`${dashboard.address}/recordings/evening`);
    expect(await page.textContent('main')).toMatch(/evening on studio-b/);
    expect(complaints).toEqual([]);
  });

  browserTest.each(['/', '/recordings', '/recordings?machine=studio-b', '/recordings/evening', '/doctor'])(
    '%s: axe-core has no complaint, and nothing is wider than the screen',
    async path => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        for (const [width, height] of [
          [360, 740],
          [1280, 800],
        ] as const) {
          await page.setViewportSize({ width, height });
          await page.goto(dashboard.address + path);
          await page.waitForSelector('.light.live');
          expect(await violationsOf(page)).toEqual([]);
          expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
          await keepScreenshot(page, `fleet${path.replace(/\W+/g, '-')}-${width}-${colorScheme}`);
        }
      }
      expect(complaints).toEqual([]);
    },
  );

  browserTest('of a machine alone, nothing speaks of machines', async () => {
    const desk = openDesk(sandbox);
    await desk.run(['upload', makeRecording()]);
    const alone = await openDashboard(desk);
    const { context, page: own } = await signedIn(browser, alone.signInAddress);
    await own.goto(`${alone.address}/recordings`);
    expect(await own.getByLabel('Machine').count()).toBe(0);
    expect(await own.locator('thead').textContent()).not.toContain('Machine');
    await context.close();
    await alone.close();
  });
});
