import { HOST_PROGRAMS } from '../../src/rehearsal/index.ts';
import type { HostCall, HostProgram, KubeObject, ProgramResult } from '../../src/rehearsal/world.ts';
import { kubectlTable } from './kubectl-table.ts';
import { withLongFlags } from './user-curl.ts';

const kubectl = HOST_PROGRAMS['kubectl'] as HostProgram;

/**
 * The simulated kubectl with the short flags that users type: they are translated to the long flags that it supports, and
 * lists are printed as tables. Calls by istio-vms itself are unchanged.
 */
export const userKubectl: HostProgram = async (call) => {
  const [verb = ''] = call.args;
  if (verb.startsWith('--') || verb === 'version') return kubectl(call);
  const { KUBECONFIG: kubeconfig } = call.env;
  if (kubeconfig === undefined) {
    return { exitCode: 1, stderr: 'The connection to the server localhost:8080 was refused\n' };
  }
  const context = /^current-context: (.+)$/m.exec((await call.files.readText(kubeconfig)) ?? '')?.[1] ?? '';
  const { own, rest } = split(call.args);
  const runKubectl = (args: readonly string[]): Promise<ProgramResult> =>
    kubectl({
      ...call,
      args: ['--kubeconfig', kubeconfig, '--context', context, '--request-timeout=20s', ...args],
    });
  const words = own.map(longFlag);
  switch (verb) {
    case 'get':
      return get(call, words, runKubectl);
    case 'apply': {
      const result = await runKubectl([...words, '--server-side', '--force-conflicts', '--field-manager=kubectl']);
      const { stdout } = result;
      return typeof stdout === 'string'
        ? { ...result, stdout: stdout.replaceAll('serverside-applied', 'created') }
        : result;
    }
    case 'delete':
      return runKubectl([...words, '--wait=true', '--timeout=60s']);
    case 'exec':
      return runKubectl([...words, '--', ...withLongFlags(rest)]);
    default:
      return { exitCode: 1, stderr: `error: unknown command "${verb}" for "kubectl"\n`, refused: `kubectl ${verb}` };
  }
};

async function get(
  { world }: HostCall,
  words: readonly string[],
  runKubectl: (args: readonly string[]) => Promise<ProgramResult>,
): Promise<ProgramResult> {
  const wanted = words.find((word) => word.startsWith('--output='));
  if (wanted === '--output=json') return runKubectl(words);
  const result = await runKubectl([...words.filter((word) => word !== wanted), '--output=json']);
  if (result.exitCode !== 0) return result;
  const found = JSON.parse(result.stdout as string) as KubeObject & { readonly items?: readonly KubeObject[] };
  if (wanted === undefined) {
    return { exitCode: 0, stdout: kubectlTable(found.items ?? [found], world.clock.now()) };
  }
  const path = /^--output=jsonpath=\{(.+)\}$/.exec(wanted)?.[1];
  if (path === undefined)
    return { exitCode: 1, stderr: 'error: unable to match a printer\n', refused: `get ${wanted}` };
  const value = valueAt(found, path);
  return { exitCode: 0, stdout: typeof value === 'string' ? value : JSON.stringify(value) };
}

/** Supports only names and indexes, e.g. `.items[0].status.conditions`. */
function valueAt(object: unknown, path: string): unknown {
  return [...path.matchAll(/\.([\w-]+)|\[(\d+)\]/g)].reduce<unknown>(
    (at, [, name, index]) => (at as Record<string, unknown> | undefined)?.[name ?? index ?? ''],
    object,
  );
}

function split(args: readonly string[]): { readonly own: readonly string[]; readonly rest: readonly string[] } {
  const at = args.indexOf('--');
  return at < 0 ? { own: joined(args), rest: [] } : { own: joined(args.slice(0, at)), rest: args.slice(at + 1) };
}

const SHORT: Readonly<Record<string, string>> = {
  '-n': '--namespace',
  '-o': '--output',
  '-f': '--filename',
  '-c': '--container',
  '-l': '--selector',
};

/** Replaces short flags, e.g. `-n sample` with `--namespace=sample`. */
function joined(args: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const long = SHORT[arg];
    found.push(long === undefined ? arg : `${long}=${args[++at] ?? ''}`);
  }
  return found;
}

const longFlag = (word: string): string =>
  word === '-A' ? '--all-namespaces' : word.replace(/^deploy\//, 'deployment/');
