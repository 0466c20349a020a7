import { z } from 'zod';

/** A line of a unit's journal. */
export interface JournalEntry {
  readonly message: string;
  /** The program that wrote it; `systemd` for systemd's own messages about the unit. */
  readonly program: string;
  /** systemd's id of the start that the line belongs to. */
  readonly invocation: string;
}

/** Fields to request from `journalctl --output json`. */
export const JOURNAL_FIELDS = ['MESSAGE', 'SYSLOG_IDENTIFIER', '_SYSTEMD_INVOCATION_ID', 'INVOCATION_ID'] as const;

/** journalctl prints a message that is not UTF-8 as an array of bytes, and one that is too long as null. */
const line = z.object({
  MESSAGE: z.union([z.string(), z.array(z.number()), z.null()]).optional(),
  SYSLOG_IDENTIFIER: z.string().optional(),
  _SYSTEMD_INVOCATION_ID: z.string().optional(),
  INVOCATION_ID: z.string().optional(),
});

/** Parses the output of `journalctl --output json`; lines that are not journal entries are skipped. */
export function parseUnitJournal(stdout: string): readonly JournalEntry[] {
  return stdout.split('\n').flatMap((text) => {
    const parsed = line.safeParse(parseJson(text));
    if (!parsed.success) return [];
    const { MESSAGE: message, SYSLOG_IDENTIFIER: program = '' } = parsed.data;
    const words = Array.isArray(message) ? Buffer.from(message).toString('utf8') : (message ?? '');
    const invocation = parsed.data._SYSTEMD_INVOCATION_ID ?? parsed.data.INVOCATION_ID ?? '';
    return [{ message: words.trim(), program, invocation }];
  });
}

/** systemd's messages about a program that it cannot start; its other messages are about the unit. */
const NOT_EXECUTED = /Failed to (?:execute|locate executable)|Failed at step/;
/** Messages that say that the agent is not ready but not why, or that appear at every first start. */
const SYMPTOMS = [
  /Envoy proxy is NOT ready/,
  /^istio-vms: not ready within/,
  /cert-chain\.pem.*no such file/,
  /Epoch \d+ exited/,
];
const AGENT_ERROR = /\t(warn|warning|error|critical|fatal)\t/;
/** k3s writes `time="…" level=error msg="…"`; what an agent waits for is of level info (docs/facts/k3s.md 2.6). */
const K3S_ERROR = /\blevel=(error|fatal|panic)\b|\bmsg="Waiting to retrieve agent configuration/;
const OTHER_ERROR =
  /^([A-Za-z.]*(Error|Exception)|error|fatal|panic)\b.*:|: (.*: )?(permission denied|no such file|not found|no such user)|\bfailed\b/i;

/**
 * The last error that the unit's own programs wrote in its newest start, shortened; undefined when there is none.
 * systemd's messages about the unit are skipped, but not those about a program that it cannot start. A symptom is used
 * only if there is no better line.
 * @param before a start whose lines are old, e.g. the one that has just been replaced
 */
export function lastError(entries: readonly JournalEntry[], before?: string): string | undefined {
  const newest = entries.at(-1)?.invocation;
  if (newest === undefined || newest === before) return undefined;
  const errors = entries
    .filter(({ invocation }) => invocation === newest)
    .filter(({ program, message }) => program !== 'systemd' || NOT_EXECUTED.test(message))
    .map(({ message }) => message)
    .filter(
      (message) =>
        AGENT_ERROR.test(message) || K3S_ERROR.test(message) || OTHER_ERROR.test(message) || isSymptom(message),
    );
  const error = errors.findLast((message) => !isSymptom(message)) ?? errors.at(-1);
  return error === undefined ? undefined : shorten(error);
}

function isSymptom(message: string): boolean {
  return SYMPTOMS.some((symptom) => symptom.test(message));
}

const LONGEST = 240;

/** Removes time, level, source file and thread: `scope: words` of the agent's tab-separated line. */
function shorten(message: string): string {
  const [, quoted] = /\bmsg=("(?:[^"\\]|\\.)*")/.exec(message) ?? [];
  const parts = (quoted === undefined ? message : (z.string().safeParse(parseJson(quoted)).data ?? quoted))
    .replace(/^Error: /, '')
    .split('\t')
    .filter(
      (part) => !/^(\d{4}-\d\d-\d\dT\S+|warn|warning|error|critical|fatal|thread=\S+|envoy \S+ \S+:\d+)$/.test(part),
    );
  const words = parts.join(': ').replaceAll(/\s+/g, ' ').trim();
  return words.length > LONGEST ? `${words.slice(0, LONGEST)}…` : words;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
