import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** A page in the browser, and everything that it did besides being read. */
export interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** Whatever stands on the console, is thrown, asked in a dialog, or asked of a network. Should be nothing. */
  readonly noise: readonly string[];
}

export function launch(executablePath: string): Promise<Browser> {
  // Root has no sandbox in Chromium.
  return chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
}

/** Opens a file as a person would: by its path. */
export async function open(browser: Browser, file: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const noise: string[] = [];
  const url = pathToFileURL(file).href;
  page.on('console', (message) => noise.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => noise.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    noise.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (request.url() !== url) noise.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, noise, [Symbol.asyncDispose]: () => context.close() };
}

/** Opens everything that a click would. */
export async function unfold(page: Page): Promise<void> {
  await page.evaluate('for (const each of document.querySelectorAll("details:not([open]) > summary")) each.click()');
}
