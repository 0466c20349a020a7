import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';
import { CommandError } from '../system/command-error.ts';
import type { Clock, Command, CommandResult, Processes } from '../system/doors.ts';
import { explain } from '../system/explain.ts';
import { retry } from '../system/retry.ts';
import * as argv from './istioctl-argv.ts';
import { tellAgain, type Say } from './say.ts';

export interface Istioctl {
  /** Of the program, e.g. `1.19.3`; undefined when it is not there. */
  version(): Promise<string | undefined>;
  /** Installs or updates from IstioOperator files, a later one over an earlier one; waits until it is rolled out. */
  install(files: readonly string[], say?: Say): Promise<void>;
  /** Lets the tag `default` point to our revision. */
  setDefaultTag(say?: Say): Promise<void>;
  /** Writes the five files of a workload VM. Waits for istiod's root certificate in a young namespace. */
  configureWorkload(request: argv.WorkloadRequest, say?: Say): Promise<void>;
}

/** istiod writes its root certificate within seconds of the namespace; Istio's own test tries for 20 s (facts 4.2). */
const PAUSES = [2_000, 4_000, 6_000, 8_000, 10_000];
const TOO_YOUNG = /istio-ca-root-cert was not found/i;

/** What it does is the same when it is done again: a young namespace and an API that is away for a moment are waited for. */
function passesByItself(thrown: CommandError): boolean {
  return TOO_YOUNG.test(thrown.result.stderr) || explain(thrown).reason === 'api-unreachable';
}

export interface IstioctlParts {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly config: {
    readonly context: string;
    readonly paths: Pick<Config['paths'], 'kubeconfig' | 'istioctl'>;
    readonly istio: Pick<Config['istio'], 'revision' | 'cluster'>;
  };
}

export function createIstioctl({ processes, clock, config }: IstioctlParts): Istioctl {
  const { istio, paths } = config;
  const target: argv.IstioctlTarget = { file: paths.istioctl, kubeconfig: paths.kubeconfig, context: config.context };

  const run = async (command: Command, say?: Say): Promise<CommandResult> => {
    try {
      return await retry(() => processes.run(command), {
        clock,
        pauses: PAUSES,
        worthIt: (thrown) => thrown instanceof CommandError && passesByItself(thrown),
        onRetry: tellAgain(say),
      });
    } catch (thrown) {
      throw thrown instanceof CommandError ? explain(thrown) : thrown;
    }
  };

  return {
    version: async () => {
      try {
        return clientVersion((await processes.run(argv.versionCommand(target))).stdout);
      } catch (thrown) {
        if (!(thrown instanceof CommandError)) throw thrown;
        if (thrown.failure === 'not-found') return undefined;
        throw explain(thrown);
      }
    },
    install: async (files, say) => {
      await run(argv.installCommand(target, files), say);
    },
    setDefaultTag: async (say) => {
      await run(argv.setDefaultTagCommand(target, istio.revision), say);
    },
    configureWorkload: async (request, say) => {
      const identity = { clusterId: istio.cluster, revision: istio.revision };
      await run(argv.configureWorkloadCommand(target, request, identity), say);
    },
  };
}

const versionSchema = z.object({ clientVersion: z.object({ version: z.string() }) });

function clientVersion(stdout: string): string {
  try {
    return versionSchema.parse(JSON.parse(stdout)).clientVersion.version;
  } catch (cause) {
    throw new CliError('tool-failed', {
      message: 'The answer of `istioctl version --output=json` is not understood.',
      hint: 'Remove the file and run `istio-vms istioctl`: it fetches the right one.',
      cause,
    });
  }
}
