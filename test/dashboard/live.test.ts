import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { EMAIL, openDesk, openSandbox, webhooksOf } from '../support/desk.ts';
import { makeRecording } from '../support/make-recording.ts';
import { browserTest, hasBrowser, launchBrowser, signedIn, until } from './browser.ts';
import { openDashboard, type TestDashboard } from './support.ts';

const sandbox = await openSandbox({ receiver: { users: [EMAIL] } });
const desk = openDesk(sandbox);
const MIB = 1024 * 1024;

let dashboard: TestDashboard;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let complaints: string[];
const origins = new Set<string>();

beforeAll(async () => {
  if (!hasBrowser) return;
  dashboard = await openDashboard(desk);
  browser = await launchBrowser();
  ({ context, page, complaints } = await signedIn(browser, dashboard.signInAddress));
  context.on('request', request => origins.add(new URL(request.url()).origin));
});
afterAll(async () => {
  await browser?.close();
  await dashboard?.close();
});

const at = (path: string) => dashboard.address + path;
const tile = (title: string) => page.locator('.tile', { hasText: title }).locator('.tile-number');

/** Uploads a recording whose webhook the server rejects. */
async function holdOne(name: string): Promise<void> {
  sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
  await desk.run(['upload', makeRecording({ name })]);
  sandbox.faults.clear();
}

describe('the page follows what happens', () => {
  browserTest('an upload shows its bar while it runs, and is done then', async () => {
    await page.goto(at('/'));
    const done = Number(await tile('Done today').textContent());
    const dir = makeRecording({ name: 'live-1', videoBytes: 160 * MIB });
    const upload = desk.start(['upload', dir, '--bwlimit', '16M', '--finished']);
    const bar = page.locator('.upload', { hasText: 'live-1' }).locator('progress');
    await bar.waitFor();
    await until(page, 'document.querySelector(".upload progress")?.value > 0');
    await page.locator('.upload', { hasText: /[MkG]?B\/s/ }).waitFor();
    await upload.result;
    await until(
      page,
      `[...document.querySelectorAll('.tile')].some(one => one.textContent.includes('Done today${done + 1}'))`,
    );
    expect(await bar.count()).toBe(0);
  });

  browserTest('two tabs agree: what one does, the other shows', async () => {
    const other = await context.newPage();
    await other.goto(at('/'));
    await page.goto(at('/'));
    await page.getByRole('link', { name: 'Disable default' }).click();
    expect(await page.textContent('.will')).toContain('Nothing will be sent to default until it is enabled again.');
    await page.getByRole('button', { name: 'Disable' }).click();
    await page.getByText('default is now disabled').waitFor();
    await other.getByRole('link', { name: 'Enable default' }).waitFor();
    await other.getByRole('link', { name: 'Enable default' }).click();
    await other.getByRole('button', { name: 'Enable' }).click();
    await other.getByText('default is now enabled').waitFor();
    await other.close();
  });

  browserTest('a server that goes away and comes back: the page says since when it is old, and goes on', async () => {
    await page.goto(at('/'));
    await page.waitForSelector('.light.live');
    const { port } = new URL(dashboard.address);
    await dashboard.close();
    await page.getByText('The connection was lost at').waitFor();
    dashboard = await openDashboard(desk, ['--listen', `127.0.0.1:${port}`]);
    await page.waitForSelector('.light.live');
    expect(await page.getByText('The connection was lost at').count()).toBe(0);
  });

  browserTest('lines of the log appear as they are written', async () => {
    await page.goto(at('/logs'));
    await page.waitForSelector('.light.live');
    await desk.run(['upload', makeRecording({ name: 'logged-1' })]);
    await page.locator('.log', { hasText: 'logged-1' }).waitFor();
    await page.goto(at('/logs?level=error&id=logged-1'));
    expect(await page.textContent('.log')).toContain('No line is like that.');
  });
});

describe('actions say what they will do, and then what came of it', () => {
  browserTest('a held webhook is retried, and the server gets it', async () => {
    await holdOne('held-1');
    await page.goto(at('/webhooks'));
    await page.getByLabel('Select the webhook of recording held-1 to default').check();
    await page.getByRole('button', { name: 'Retry selected…' }).click();
    expect(await page.textContent('.will')).toContain('1 webhook will be sent now.');
    expect(webhooksOf(sandbox, 'held-1').map(({ status }) => status)).toEqual([400]);
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('1 of 1 webhook delivered').waitFor();
    expect(webhooksOf(sandbox, 'held-1').map(({ status }) => status)).toEqual([400, 201]);
    await page.goto(at('/recordings/held-1'));
    expect(await page.locator('.tries > li').count()).toBe(2);
  });

  browserTest('one that fails again says why', async () => {
    await holdOne('held-2');
    sandbox.faults.add({ server: 'webhook', action: { answer: { status: 400 } } });
    await page.goto(at('/recordings/held-2'));
    await page.getByRole('link', { name: 'Retry…' }).click();
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('0 of 1 webhook delivered').waitFor();
    sandbox.faults.clear();
    expect(await page.textContent('table')).toContain('failed');
  });

  browserTest('several are discarded at once, and are held no more', async () => {
    await holdOne('held-3');
    await page.goto(at('/webhooks'));
    for (const box of await page.getByRole('checkbox', { name: /^Select/ }).all()) await box.check();
    await page.getByRole('button', { name: 'Discard selected…' }).click();
    expect(await page.textContent('.will')).toMatch(/2 webhooks will be ended: nothing will send them any more/);
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByText('2 webhooks discarded').waitFor();
    await page.goto(at('/webhooks'));
    expect(await page.textContent('main')).toContain('No webhook is held.');
  });

  browserTest('a span is sent again, in the time zone of the browser', async () => {
    const before = webhooksOf(sandbox, 'held-1').length;
    await page.goto(at('/webhooks'));
    const local = new Date(Date.now() - 3_600_000).toLocaleString('sv-SE', { timeZone: 'Europe/Vienna' });
    await page.getByLabel('From').fill(local.slice(0, 16).replace(' ', 'T'));
    await page.getByRole('button', { name: 'Look what it will send…' }).click();
    expect(await page.textContent('main')).toContain('webhook of held-1 to default');
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText(/^(\d+) of \1 webhooks sent again$/).waitFor();
    expect(webhooksOf(sandbox, 'held-1').length).toBe(before + 1);
  });

  browserTest('nothing to do is said, and nothing can be pressed', async () => {
    await page.goto(at('/actions/new?action=retry&held=1'));
    expect(await page.textContent('main')).toContain('There is nothing to retry.');
    expect(await page.getByRole('button', { name: 'Retry' }).count()).toBe(0);
    await page.goto(at('/actions/new?action=discard'));
    expect(await page.textContent('main')).toContain('nothing is selected');
  });

  browserTest('the doctor examines everything at one click', async () => {
    await page.goto(at('/doctor'));
    await page.getByRole('button', { name: 'Check now' }).click();
    await page.locator('.rows li', { hasText: 'bucket' }).first().waitFor();
    await page.getByRole('button', { name: 'Check now' }).waitFor();
    expect(await page.textContent('main')).toMatch(/Everything is well|warning|failure/);
  });
});

describe('habits', () => {
  browserTest('the video is on the page, and comes from the bucket', async () => {
    await desk.run(['upload', makeRecording({ name: 'played-1' })]);
    await page.goto(at('/recordings/played-1'));
    const loaded = await page.evaluate(`new Promise(resolve => {
      const video = document.querySelector('video');
      video.onloadeddata = () => resolve([video.videoWidth > 0, new URL(video.currentSrc).pathname]);
      video.onerror = () => resolve(video.error.message);
      video.preload = 'auto';
      video.load();
    })`);
    expect(loaded).toEqual([true, '/recordings/played-1/files/video.mkv']);
  });

  browserTest('with the keyboard: the first stop skips to the content, and "/" goes to the search', async () => {
    await page.goto(at('/recordings'));
    await page.waitForSelector('.light.live');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('/');
    await page.keyboard.type('held');
    await page.keyboard.press('Enter');
    await page.waitForURL(/[?&]q=held(&|$)/);
    expect(await page.locator('tbody tr').count()).toBe(3);
    expect(await page.inputValue('input[name="q"]')).toBe('held');
  });

  browserTest('times are local, with UTC on hover', async () => {
    await page.goto(at('/recordings'));
    await page.waitForSelector('.light.live');
    const [text, title, moment] = (await page.evaluate(
      `(() => { const time = document.querySelector('tbody time'); return [time.textContent, time.title, time.dateTime]; })()`,
    )) as [string, string, string];
    expect(text).toBe(new Date(moment).toLocaleString('sv-SE', { timeZone: 'Europe/Vienna' }));
    expect(title).toBe(`${moment.slice(0, 19).replace('T', ' ')} UTC`);
  });

  browserTest('nothing was asked of any other host than this one and the bucket, and nothing was blocked', () => {
    expect([...origins].sort()).toEqual([dashboard.address, new URL(sandbox.s3.url).origin].sort());
    expect(complaints).toEqual([]);
  });
});
