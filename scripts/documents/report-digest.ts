import { createHash } from 'node:crypto';

/** The part of a page of playwright that is needed here. */
interface ReportPage {
  locator(selector: string): { innerText(): Promise<string> };
}

/**
 * Digest of the text that a report shows, without its command line, which differs. docs/report.md keeps the one of its
 * screenshots, so that a test detects screenshots of an old report.
 */
export async function reportDigest(page: ReportPage): Promise<string> {
  const [text, typed] = await Promise.all(['main', '.typed'].map((part) => page.locator(part).innerText()));
  const shown = (text ?? '').replace(typed ?? '', '');
  return createHash('sha256').update(shown).digest('hex').slice(0, 16);
}

/** The comment in docs/report.md with the digest of its screenshots. */
export const SCREENSHOT_COMMENT = /<!-- screenshots of report [0-9a-f]* -->/;
export const screenshotComment = (digest: string): string => `<!-- screenshots of report ${digest} -->`;
