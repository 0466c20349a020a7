/** Takes the screenshots of a report for docs/report.md, light and dark: `npm run screenshots`. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { reportDigest, SCREENSHOT_COMMENT, screenshotComment } from './documents/report-digest.ts';

const directory = mkdtempSync(join(tmpdir(), 'istio-vms-report-'));
const file = join(directory, 'report.html');
execFileSync(process.execPath, ['dist/main.js', 'up', '--rehearse', '--quiet', '--report', file], { stdio: 'ignore' });

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  chromiumSandbox: process.getuid?.() !== 0,
});
for (const colorScheme of ['light', 'dark'] as const) {
  const page = await browser.newPage({ viewport: { width: 1180, height: 1330 }, colorScheme });
  await page.goto(pathToFileURL(file).href);
  const document = readFileSync('docs/report.md', 'utf8');
  writeFileSync('docs/report.md', document.replace(SCREENSHOT_COMMENT, screenshotComment(await reportDigest(page))));
  // The command line contains a private path of this computer.
  await page.evaluate(`document.querySelector('.typed code').textContent = '$ istio-vms up --rehearse'`);
  await page.screenshot({ path: `docs/report-${colorScheme}.png` });
}
await browser.close();
rmSync(directory, { recursive: true });
