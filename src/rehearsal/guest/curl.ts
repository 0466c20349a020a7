import { GUEST_COMMAND, HTTP_REQUEST } from '../durations.ts';
import type { GuestCall, GuestProgram, HttpAnswer } from '../world.ts';
import { sidecarIsReady, sidecarRuns } from './sidecar.ts';

interface CurlCall {
  readonly urls: readonly string[];
  readonly writeOut: string;
  /** The n-th output belongs to the n-th URL; a URL without one goes to stdout. */
  readonly outputs: readonly string[];
  readonly maxTime: number;
  readonly failEarly: boolean;
}

/** curl, with the options that istio-vms uses. Several URLs are requested in order; the last exit code counts. */
export const curl: GuestProgram = async (call) => {
  const parsed = parse(call.args);
  if (typeof parsed === 'string') {
    return { exitCode: 2, stderr: `curl: option ${parsed}: is unknown\n`, refused: `curl ${parsed}` };
  }
  const done = { exitCode: 0, stdout: '', stderr: '' };
  await call.world.clock.sleep(GUEST_COMMAND);
  for (const [index, url] of parsed.urls.entries()) {
    const answer = await transfer(call, url, parsed.maxTime);
    const written = parsed.writeOut
      .replaceAll('\\n', '\n')
      .replaceAll('%{http_code}', String(answer.status).padStart(3, '0'));
    done.exitCode = answer.exit;
    done.stdout += ((parsed.outputs[index] ?? '-') === '-' ? answer.body : '') + written;
    done.stderr += answer.stderr;
    if (answer.exit !== 0 && parsed.failEarly) break;
  }
  return done;
};

async function transfer(call: GuestCall, url: string, maxTime: number): Promise<HttpAnswer> {
  const local = localAnswer(call, url);
  await call.world.clock.sleep(HTTP_REQUEST);
  const answer = local ?? call.mesh.requestFromVm(call.instance, url);
  // Exit code 28 is curl's own time limit, so that time passes here.
  if (answer.exit === 28) await call.world.clock.sleep(maxTime * 1000);
  return answer;
}

function parse(args: readonly string[]): CurlCall | string {
  const found = { urls: [] as string[], writeOut: '', outputs: [] as string[], maxTime: 0, failEarly: false };
  for (let at = 1; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--silent' || arg === '--show-error') continue;
    if (arg === '--fail-early') found.failEarly = true;
    else if (arg === '--write-out') found.writeOut = args[++at] ?? '';
    else if (arg === '--output') found.outputs.push(args[++at] ?? '');
    else if (arg === '--max-time') found.maxTime = Number(args[++at]);
    else if (arg.startsWith('-')) return arg;
    else found.urls.push(arg);
  }
  return found.urls.length === 0 ? '(no URL)' : found;
}

/**
 * What the sidecar itself answers on the loopback: readiness and Envoy's admin interface (docs/facts/istio-vm.md 5.7).
 */
function localAnswer({ instance, mesh }: GuestCall, url: string): HttpAnswer | undefined {
  const [, port, path] = /^http:\/\/(?:localhost|127\.0\.0\.1):(15000|15020|15021)(\/.*)$/.exec(url) ?? [];
  if (port === undefined) return undefined;
  // Envoy listens on 15021 only once it has its first configuration (docs/facts/real-mesh.md 6.7).
  if (!sidecarRuns(instance) || (port === '15021' && !sidecarIsReady(instance))) {
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
