import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** An open page, and its side effects. */
export interface OpenedPage extends AsyncDisposable {
  readonly page: Page;
  /** Console messages, errors, dialogs and network requests of the page; a report must cause none. */
  readonly sideEffects: readonly string[];
}

export function launch(executablePath: string): Promise<Browser> {
  // Chromium does not support its sandbox for root.
  return chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
}

/** Opens a file by its file:// URL. */
export async function open(browser: Browser, file: string, options: BrowserContextOptions = {}): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const sideEffects: string[] = [];
  const url = pathToFileURL(file).href;
  page.on('console', (message) => sideEffects.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => sideEffects.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    sideEffects.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (request.url() !== url) sideEffects.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, sideEffects, [Symbol.asyncDispose]: () => context.close() };
}

/** Expands all collapsed sections. */
export async function expandAll(page: Page): Promise<void> {
  await page.evaluate('for (const each of document.querySelectorAll("details:not([open]) > summary")) each.click()');
}
