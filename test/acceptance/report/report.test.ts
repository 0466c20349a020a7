import { createFixture } from 'fs-fixture';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { reportDigest, screenshotComment } from '../../../scripts/documents/report-digest.ts';
import { renderReport } from '../../../src/ui/report/page.ts';
import { cli } from '../../rehearsal/support/cli.ts';
import { reportFixture } from '../../unit/ui/report/report-fixture.ts';
import { launch, open, expandAll } from './browser.ts';

const found = inject('chromium');
const IN_PAGE = await readFile(new URL('./in-page.js', import.meta.url), 'utf8');

const ask = async (page: Page, question: 'faint' | 'overflowing'): Promise<unknown> =>
  page.evaluate(
    `(${IN_PAGE.trim()
      .replace(/^\/\/.*\n/, '')
      .replace(/;$/, '')}).${question}()`,
  );

/** Arguments of the runs whose reports are tested. */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  good: [],
  failed: ['--fault', 'guest-disk-full'],
  'missing prerequisite': ['--fault', 'daemon-down'],
  again: ['--from', 'lab'],
  recreated: ['--recreate', '--set', 'WORKERS=1'],
  deleted: ['--delete'],
  'eight workers': ['--set', 'WORKERS=8'],
};

interface Run {
  readonly file: string;
  /** `data` of `--output json`. */
  readonly data: {
    readonly steps?: readonly { id: string; title: string; direction: string }[];
    readonly verify?: { readonly checks: readonly { name: string }[] };
    readonly criticalPath?: readonly string[];
  };
}

describe.skipIf('missing' in found)(`the report in a browser${'missing' in found ? ` (${found.missing})` : ''}`, () => {
  let browser: Browser;
  let home: Awaited<ReturnType<typeof createFixture>>;
  const runs = new Map<string, Run>();
  const runNamed = (name: string): Run => runs.get(name)!;

  beforeAll(async () => {
    if ('missing' in found) return;
    home = await createFixture({});
    browser = await launch(found.path);
    for (const [name, argv] of Object.entries(RUNS)) {
      const file = home.getPath(`${name}.html`);
      const { stdout } = await cli(['up', '--rehearse', '-o', 'json', '--report', file, ...argv]);
      runs.set(name, { file, data: JSON.parse(stdout).data });
    }
    // Reports whose names, arguments and output contain one very long word, or HTML markup.
    const words = { long: `${'very'.repeat(100)}long`, evil: EVIL };
    for (const [name, word] of Object.entries(words)) {
      const file = home.getPath(`${name}.html`);
      await home.writeFile(`${name}.html`, renderReport(reportFixture((text) => `${text} ${word}`)));
      runs.set(name, { file, data: {} });
    }
  });

  afterAll(async () => {
    await browser.close();
    await home.rm();
  });

  const ALL = [...Object.keys(RUNS), 'long', 'evil'];

  it.each(ALL)('opens without console messages or network requests (run %s)', async (name) => {
    await using opened = await open(browser, runNamed(name).file);
    await expandAll(opened.page);
    await opened.page.mouse.move(200, 200);
    expect(await opened.page.title()).toMatch(/^[✔✖◼] istio-vms up/);
    expect(opened.sideEffects).toEqual([]);
  });

  it.each(Object.keys(RUNS))('has a bar for every step and a row for every check (run %s)', async (name) => {
    const { file, data } = runNamed(name);
    await using opened = await open(browser, file);
    expect(await opened.page.getByRole('img', { name: /^(from .* to |not started)/ }).count()).toBe(
      data.steps?.length ?? 0,
    );
    expect(await opened.page.locator('.title').allTextContents()).toEqual(data.steps?.map(({ title }) => title) ?? []);
    expect(await opened.page.locator('tbody tr').count()).toBe(data.verify?.checks.length ?? 0);
    const marked = await opened.page.evaluate(
      '[...document.querySelectorAll(".step.critical .inside")].map(({ id }) => id)',
    );
    expect((marked as string[]).map((id) => id.replace(/^\w+-/, '')).sort()).toEqual(
      [...(data.criticalPath ?? [])].sort(),
    );
  });

  it('is the one in the screenshots of docs/report.md (npm run screenshots)', async () => {
    await using opened = await open(browser, runNamed('good').file);
    expect(await readFile('docs/report.md', 'utf8')).toContain(screenshotComment(await reportDigest(opened.page)));
  });

  it('draws all bars on one time axis', async () => {
    await using opened = await open(browser, runNamed('good').file);
    const box = async (id: string) =>
      (await opened.page.locator(`.step:has(#apply-${id}) rect:not(.mark)`).last().boundingBox())!;
    const [master, server, agent] = [await box('master'), await box('k3s-server'), await box('k3s-agent-1')];
    expect(Math.abs(master.x + master.width - server.x)).toBeLessThan(8);
    expect(Math.abs(server.x + server.width - agent.x)).toBeLessThan(8);
    expect(master.width).toBeGreaterThan(server.width);
    expect(server.width).toBeGreaterThan(agent.width);
  });

  it.each([
    ['a click', (page: Page) => page.locator('.title', { hasText: 'machine k3s-worker-2' }).click()],
    [
      'the keyboard',
      async (page: Page) => {
        const focused = () => page.evaluate('document.activeElement.textContent');
        for (let presses = 0; presses < 60; presses++) {
          await page.keyboard.press('Tab');
          if (/^\s*machine k3s-worker-2\s/.test(String(await focused()))) break;
        }
        await page.keyboard.press('Enter');
      },
    ],
  ])('shows the commands of a step with duration and exit code after %s on the step', async (_how, act) => {
    await using opened = await open(browser, runNamed('good').file);
    const { page } = opened;
    const command = page.getByText('multipass launch 22.04 --name k3s-worker-2 ');
    expect(await command.isVisible()).toBe(false);
    await act(page);
    expect(await command.isVisible()).toBe(true);
    expect(await page.locator('li.write', { has: command }).innerText()).toMatch(/\d+s\s+exit 0\s+write/);
    expect(await page.locator('.step[open]').count()).toBe(1);
    // Pressing Enter again closes it.
    await page.keyboard.press('Enter');
    expect(await command.isVisible()).toBe(false);
  });

  it('shows the commands of a step without JavaScript', async () => {
    await using opened = await open(browser, runNamed('good').file, { javaScriptEnabled: false });
    const command = opened.page.getByText('multipass launch 22.04 --name k3s-master ');
    await opened.page.locator('.title', { hasText: 'machine k3s-master' }).click();
    expect(await command.isVisible()).toBe(true);
  });

  it('opens a step when a link to it is followed', async () => {
    await using opened = await open(browser, runNamed('failed').file);
    const inside = opened.page.locator('.step.failed .inside');
    expect(await inside.isVisible()).toBe(false);
    await opened.page.locator('.path').getByRole('link', { name: 'k3s control plane' }).click();
    await inside.waitFor({ state: 'visible', timeout: 5_000 });
    expect(await inside.innerText()).toContain('no space left on device');
  });

  it('shows markup in texts as plain text', async () => {
    await using opened = await open(browser, runNamed('evil').file);
    await expandAll(opened.page);
    expect(await opened.page.evaluate('globalThis.struck')).toBeUndefined();
    expect(await opened.page.locator('script, img, iframe, form').count()).toBe(0);
    expect(await opened.page.getByText('<script>').count()).toBeGreaterThan(20);
    expect(await opened.page.locator('.step').count()).toBe(5);
  });

  it.each(ALL)('has readable texts and marks in light and dark mode (run %s)', async (name) => {
    await using opened = await open(browser, runNamed(name).file);
    await expandAll(opened.page);
    for (const colorScheme of ['light', 'dark'] as const) {
      await opened.page.emulateMedia({ colorScheme });
      expect({ colorScheme, faint: await ask(opened.page, 'faint') }).toEqual({ colorScheme, faint: [] });
    }
  });

  it('uses different colors in light and dark mode', async () => {
    const grounds = await Promise.all(
      (['light', 'dark'] as const).map(async (colorScheme) => {
        await using opened = await open(browser, runNamed('good').file, { colorScheme });
        return await opened.page.evaluate('getComputedStyle(document.body).backgroundColor');
      }),
    );
    expect(new Set(grounds).size).toBe(2);
  });

  it.each(ALL)('fits every screen width, folded and unfolded (run %s)', async (name) => {
    await using opened = await open(browser, runNamed(name).file);
    const { page } = opened;
    for (const open of [false, true]) {
      if (open) await expandAll(page);
      for (const width of [400, 700, 1000, 2560]) {
        await page.setViewportSize({ width, height: 800 });
        expect({ width, open, overflowing: await ask(page, 'overflowing') }).toEqual({ width, open, overflowing: [] });
      }
    }
  });
});

const EVIL = `<script>globalThis.struck = 1</script><img src="http://127.0.0.1:9/x" onerror="globalThis.struck = 2">"><svg onload=alert(3)></pre></style><iframe src="javascript:alert(4)"></iframe><form action="http://127.0.0.1:9/">`;
