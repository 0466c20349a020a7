import { ApiError } from '../cluster/api-error.ts';
import { KUBECTL_CALL } from '../durations.ts';
import type { HostCall, HostProgram, ProgramResult } from '../world.ts';
import { apiResources } from './kubectl/api-resources.ts';
import { apply } from './kubectl/apply.ts';
import { parseArgs } from './kubectl/args.ts';
import { connect } from './kubectl/connect.ts';
import { remove } from './kubectl/delete.ts';
import { drain } from './kubectl/drain.ts';
import { exec, logs } from './kubectl/exec.ts';
import { get } from './kubectl/get.ts';
import { rollout } from './kubectl/rollout.ts';
import { scale } from './kubectl/scale.ts';
import type { Verb } from './kubectl/verb.ts';
import { wait } from './kubectl/wait.ts';

const VERBS: Readonly<Record<string, Verb>> = {
  get,
  apply,
  delete: remove,
  drain,
  exec,
  logs,
  rollout,
  scale,
  wait,
  'api-resources': apiResources,
};
const REQUEST = '--request-timeout=20s';
const CLIENT_VERSION = { major: '1', minor: '34', gitVersion: 'v1.34.1', platform: '' };

/** Simulated kubectl: supports only the calls that istio-vms makes. */
export const kubectl: HostProgram = async (call) => {
  if (call.args[0] === 'version') return version(call);
  const [kubeconfigFlag, kubeconfig, contextFlag, context, ...after] = call.args;
  // A request timeout would also end a watch, so commands that block have none (which is kubectl's default).
  const blocks = after[0] === 'wait' || (after[0] === 'rollout' && after[1] === 'status');
  const [timeout, name, ...args] = blocks ? [REQUEST, ...after] : after;
  const heads: [string, boolean][] = [
    [kubeconfigFlag ?? '', kubeconfigFlag === '--kubeconfig'],
    [contextFlag ?? '', contextFlag === '--context'],
    [timeout ?? '', timeout === REQUEST],
  ];
  const odd = heads.find(([, right]) => !right);
  if (odd !== undefined) return refuse(`unknown command or flag here: "${odd[0]}"`, odd[0]);
  const verb = VERBS[name ?? ''];
  if (verb === undefined) return refuse(`unknown command "${name ?? ''}" for "kubectl"`, name ?? '');
  const parsed = parseArgs(args, verb.flags);
  if ('unknown' in parsed)
    return refuse(`${parsed.why}\nSee 'kubectl ${name ?? ''} --help' for usage.`, `${name ?? ''} ${parsed.unknown}`);
  const connection = await connect(call, kubeconfig ?? '', context ?? '');
  if ('failure' in connection) return connection.failure;
  try {
    return await verb.run({ call, cluster: connection.cluster, parsed });
  } catch (error) {
    if (error instanceof ApiError) return { exitCode: 1, stderr: `${error.message}\n` };
    throw error;
  }
};

function refuse(text: string, what: string): ProgramResult {
  return { exitCode: 1, stderr: `error: ${text}\n`, refused: `kubectl ${what}` };
}

async function version({ args, world, signal }: HostCall): Promise<ProgramResult> {
  await world.clock.sleep(KUBECTL_CALL / 2, signal);
  if (args.join(' ') !== 'version --client --output=json')
    return refuse(`unknown flag: ${args.slice(1).join(' ')}`, args.join(' '));
  const clientVersion = { ...CLIENT_VERSION, platform: `${world.host.platform}/${world.host.cpu}` };
  return { exitCode: 0, stdout: `${JSON.stringify({ clientVersion, kustomizeVersion: 'v5.7.1' }, null, 2)}\n` };
}
