import type { Lab } from '../steps/lab.ts';
import type { Command, CommandResult } from '../system/doors.ts';
import { asSentence } from './vm-checks.ts';

/** An HTTP answer, or why there was none. */
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

/** Asked on the workload VM, by an ordinary user, so that the sidecar carries it. */
export async function requestFromVm(lab: Lab, url: string): Promise<Answer> {
  const command: Command = { file: 'curl', args: curlArgs(url), effect: 'read', timeoutMs: 30_000 };
  return answer(() => lab.engine.machine(lab.config.vm.name).run(command));
}

export interface Client {
  readonly namespace: string;
  readonly deployment: string;
}

/** Asked in a pod. */
export async function requestFromPod(lab: Lab, client: Client, url: string): Promise<Answer> {
  return answer(() => lab.kubectl.exec({ ...client, container: 'curl' }, ['curl', ...curlArgs(url)], 'read'));
}

async function answer(ask: () => Promise<CommandResult>): Promise<Answer> {
  try {
    return parseAnswer((await ask()).stdout);
  } catch (error) {
    return { refused: asSentence(error) };
  }
}

/** Body and status as our curl writes them: the status alone on the last line. */
export function parseAnswer(stdout: string): Answer {
  const cut = stdout.lastIndexOf('\n');
  const status = Number(stdout.slice(cut + 1));
  return Number.isInteger(status) && status > 0
    ? { status, body: stdout.slice(0, cut) }
    : { refused: 'no HTTP answer' };
}

export function isServed(answer: Answer): answer is { status: number; body: string } {
  return 'status' in answer && answer.status === 200;
}

/** «200» or why not, for evidence. */
export function describe(answer: Answer): string {
  return 'status' in answer ? `${answer.status} ${firstLine(answer.body)}`.trim() : answer.refused;
}

/** The first words of a body; a page without its tags. */
function firstLine(body: string): string {
  const text = body.replaceAll(/<style[\s\S]*?<\/style>|<[^>]*>/g, ' ');
  const line = text.split('\n').map((each) => each.trim()).find((each) => each !== '') ?? '';
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}
