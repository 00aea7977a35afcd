import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from '@jest/globals';
import axe from 'axe-core';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Debian's; another one where `CHROMIUM` names it. */
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** False: the tests have no browser, and need none of what they set up for it. */
export const hasBrowser = existsSync(CHROMIUM);

/** Tests in a real browser; where there is none, they are named as skipped. */
export const browserTest = hasBrowser ? test : test.skip;

export function launchBrowser(): Promise<Browser> {
  // Root, as CI is, has no sandbox of Chromium's; the pages are our own.
  return chromium.launch({ executablePath: CHROMIUM, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** Everything that a page complains about: errors of scripts, and what the Content-Security-Policy has blocked. */
function complaintsOf(context: BrowserContext): string[] {
  const complaints: string[] = [];
  context.on('weberror', error => complaints.push(error.error().stack ?? error.error().message));
  context.on('console', message => {
    if (message.type() === 'error' && !/Failed to load resource|net::ERR_/.test(message.text()))
      complaints.push(message.text());
  });
  return complaints;
}

/** A browser that has signed in with an address that does so once. */
export async function signedIn(browser: Browser, signInAddress: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ timezoneId: 'Europe/Vienna', ...options });
  context.setDefaultTimeout(10_000);
  const complaints = complaintsOf(context);
  const page = await context.newPage();
  await page.goto(signInAddress);
  await page.waitForSelector('h1:has-text("Overview")', { state: 'attached' });
  return { context, page, complaints };
}

/** What axe-core finds wrong with the page: one line for each rule. */
export async function violationsOf(page: Page): Promise<string[]> {
  // Its source comes in over the debugger, which the page's policy does not concern.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axe.source });
  const result = await page.evaluate('axe.run(document, { resultTypes: ["violations"] })');
  return (result as { violations: { id: string; nodes: { html: string }[] }[] }).violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' | ')}`,
  );
}

/** Waits until an expression of the page's is true; its policy forbids playwright's own way. */
export async function until(page: Page, expression: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await page.evaluate(expression)) return;
    await page.waitForTimeout(50);
  }
  throw new Error(`never true: ${expression}`);
}

/** Keeps a screenshot where CI collects them. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const folder = process.env.DASHBOARD_SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
