import { GUEST_COMMAND, HTTP_REQUEST } from '../durations.ts';
import type { GuestProgram, HttpAnswer } from '../world.ts';
import { sidecarIsReady, sidecarRuns } from './sidecar.ts';

interface CurlCall {
  readonly url: string;
  readonly writeOut: string;
  readonly output: string;
  readonly maxTime: number;
}

/** curl, with the options that we use. */
export const curl: GuestProgram = async (call) => {
  const parsed = parse(call.args);
  if (typeof parsed === 'string') {
    return { exitCode: 2, stderr: `curl: option ${parsed}: is unknown\n`, refused: `curl ${parsed}` };
  }
  const local = localAnswer(call, parsed.url);
  await call.world.clock.sleep(GUEST_COMMAND + HTTP_REQUEST);
  const answer = local ?? call.mesh.requestFromVm(call.instance, parsed.url);
  // 28 is curl's own time limit: it has passed.
  if (answer.exit === 28) await call.world.clock.sleep(parsed.maxTime * 1000);
  const written = parsed.writeOut
    .replaceAll('\\n', '\n')
    .replaceAll('%{http_code}', String(answer.status).padStart(3, '0'));
  const body = parsed.output === '-' ? answer.body : '';
  return { exitCode: answer.exit, stdout: body + written, stderr: answer.stderr };
};

function parse(args: readonly string[]): CurlCall | string {
  const found = { url: '', writeOut: '', output: '-', maxTime: 0 };
  for (let at = 1; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--silent' || arg === '--show-error') continue;
    if (arg === '--write-out') found.writeOut = args[++at] ?? '';
    else if (arg === '--output') found.output = args[++at] ?? '';
    else if (arg === '--max-time') found.maxTime = Number(args[++at]);
    else if (arg.startsWith('-')) return arg;
    else if (found.url !== '') return arg;
    else found.url = arg;
  }
  return found.url === '' ? '(no URL)' : found;
}

/** What the sidecar itself answers on the loopback: readiness and Envoy's own interface (facts/istio-vm.md 5.7). */
function localAnswer({ instance, mesh }: Parameters<GuestProgram>[0], url: string): HttpAnswer | undefined {
  const [, port, path] = /^http:\/\/(?:localhost|127\.0\.0\.1):(15000|15020|15021)(\/.*)$/.exec(url) ?? [];
  if (port === undefined) return undefined;
  if (!sidecarRuns(instance)) {
    const stderr = `curl: (7) Failed to connect to localhost port ${port}: Connection refused\n`;
    return { exit: 7, status: 0, body: '', stderr };
  }
  if (path === '/healthz/ready') {
    return { exit: 0, status: sidecarIsReady(instance) ? 200 : 503, body: '', stderr: '' };
  }
  const certificates = path === '/certs' && port === '15000' ? mesh.certificates(instance) : undefined;
  if (certificates !== undefined) return { exit: 0, status: 200, body: certificates, stderr: '' };
  return { exit: 0, status: 404, body: 'invalid path. admin commands are:\n', stderr: '' };
}
