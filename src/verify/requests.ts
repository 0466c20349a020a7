import type { Lab } from '../steps/lab.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import type { CommandResult, Context } from '../system/system.ts';
import { asSentence, runningVm } from './vm.ts';

/** An HTTP response, or the reason why there was none. */
export type Answer = { readonly status: number; readonly body: string } | { readonly refused: string };

const curlArgs = (url: string): readonly string[] => [
  '--silent',
  '--show-error',
  '--max-time',
  '10',
  '--output',
  '-',
  '--write-out',
  '\\n%{http_code}',
  url,
];

/**
 * Sends the same request several times in one session, from the workload VM as an ordinary user, so that it goes
 * through the sidecar. The first transfer that fails ends them all.
 */
export async function requestsFromVm(
  lab: WorkloadLab,
  url: string,
  times: number,
  context: Context,
): Promise<readonly Answer[]> {
  const args = [
    '--silent',
    '--show-error',
    '--fail-early',
    '--max-time',
    '10',
    '--write-out',
    '\\n%{http_code}\\n',
    ...Array.from({ length: times }, () => url),
  ];
  try {
    const vm = await runningVm(lab, context);
    const { stdout } = await vm.run({ file: 'curl', args, effect: 'read', timeoutMs: 60_000 }, context);
    return parseAnswers(stdout);
  } catch (error) {
    return [{ refused: asSentence(error) }];
  }
}

export interface Client {
  readonly namespace: string;
  readonly deployment: string;
}

/** Sends a request from a pod. */
export async function requestFromPod(lab: Lab, client: Client, url: string, context: Context): Promise<Answer> {
  return answer(() => lab.kubectl.exec({ ...client, container: 'curl' }, ['curl', ...curlArgs(url)], 'read', context));
}

async function answer(ask: () => Promise<CommandResult>): Promise<Answer> {
  try {
    return parseAnswer((await ask()).stdout);
  } catch (error) {
    return { refused: asSentence(error) };
  }
}

/** Body and status in the format of our curl command: the status alone on the last line. */
export function parseAnswer(stdout: string): Answer {
  const cut = stdout.lastIndexOf('\n');
  const status = Number(stdout.slice(cut + 1));
  return Number.isInteger(status) && status > 0
    ? { status, body: stdout.slice(0, cut) }
    : { refused: 'no HTTP answer' };
}

/** Several responses in sequence, each ended by its status alone on a line. */
export function parseAnswers(stdout: string): readonly Answer[] {
  const answers: Answer[] = [];
  let from = 0;
  for (const ending of stdout.matchAll(/\n(\d{3})\n/g)) {
    answers.push(parseAnswer(`${stdout.slice(from, ending.index)}\n${ending[1] ?? ''}`));
    from = ending.index + ending[0].length;
  }
  return answers.length === 0 ? [{ refused: 'no HTTP answer' }] : answers;
}

export function isServed(answer: Answer): answer is { status: number; body: string } {
  return 'status' in answer && answer.status === 200;
}

/** «200» or the reason of the failure, for evidence. */
export function describe(answer: Answer): string {
  return 'status' in answer ? `${answer.status} ${firstLine(answer.body)}`.trim() : answer.refused;
}

/** The first words of a body; an HTML page without its tags. */
function firstLine(body: string): string {
  const text = body.replaceAll(/<style[\s\S]*?<\/style>|<[^>]*>/g, ' ');
  const line =
    text
      .split('\n')
      .map((each) => each.trim())
      .find((each) => each !== '') ?? '';
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}
