import { sha256 } from '../../src/system/digest.ts';

/** The part of a Playwright page that is used here. */
interface ReportPage {
  locator(selector: string): { innerText(): Promise<string> };
}

/**
 * Digest of the text of a report without its command line, which contains a temporary path. docs/report.md contains the
 * digest of its screenshots, so that a test detects screenshots of an old report.
 */
export async function reportDigest(page: ReportPage): Promise<string> {
  const [text, typed] = await Promise.all(['main', '.typed'].map((part) => page.locator(part).innerText()));
  const shown = (text ?? '').replace(typed ?? '', '');
  return sha256(shown).slice(0, 16);
}

/** The comment in docs/report.md with the digest of its screenshots. */
export const SCREENSHOT_COMMENT = /<!-- screenshots of report [0-9a-f]* -->/;
export const screenshotComment = (digest: string): string => `<!-- screenshots of report ${digest} -->`;
