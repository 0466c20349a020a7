import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';
import { knownIssue } from '../errors/known-issues.ts';
import { CommandError } from '../system/command-error.ts';
import type { Clock, Command, CommandResult, Context, Processes } from '../system/system.ts';
import { explain } from '../system/explain.ts';
import { plainText } from '../system/plain-text.ts';
import { retry } from '../system/retry.ts';
import * as argv from './istioctl-argv.ts';
import { readProgress } from './istioctl-progress.ts';
import { repeatMessage } from '../plan/explain.ts';

export interface Istioctl {
  /** The version of the binary, e.g. `1.19.3`; undefined when it does not exist. */
  version(context: Context): Promise<string | undefined>;
  /** Installs or updates from IstioOperator files, a later one overriding an earlier one; waits for the rollout. */
  install(files: readonly string[], context: InstallRun): Promise<void>;
  /** Points the tag `default` to the revision of this lab. */
  setDefaultTag(context: Context): Promise<void>;
  /** Writes the five files of a workload VM. Waits for istiod's root certificate in a new namespace. */
  configureWorkload(request: argv.WorkloadRequest, context: Context): Promise<void>;
}

export interface InstallRun extends Context {
  /** Called with each line of istioctl's own progress. */
  readonly onProgress?: (line: string) => void;
}

/**
 * istiod writes its root certificate within seconds of the namespace; Istio's own test retries for 20 s (facts 4.2).
 */
const PAUSES = [2_000, 4_000, 6_000, 8_000, 10_000];

/** All istioctl commands are idempotent, so transient errors (e.g. an unreachable API) are retried. */
function isTransient({ failure, result }: CommandError): boolean {
  return failure === 'exit' && knownIssue(plainText(result.stderr), 'istioctl')?.transient === true;
}

export interface IstioctlParts {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly config: {
    readonly context: string;
    readonly paths: Pick<Config['paths'], 'kubeconfig' | 'istioctl'>;
    readonly istio: Pick<Config['istio'], 'revision' | 'cluster' | 'namespace'>;
  };
}

export function createIstioctl({ processes, clock, config }: IstioctlParts): Istioctl {
  const { istio, paths } = config;
  const target: argv.IstioctlTarget = {
    file: paths.istioctl,
    kubeconfig: paths.kubeconfig,
    context: config.context,
    istioNamespace: istio.namespace,
  };

  const run = async (command: Command, context: Context): Promise<CommandResult> =>
    tried(() => processes.run(command, context), context);

  const tried = async (once: () => Promise<CommandResult>, { say, signal }: Context): Promise<CommandResult> => {
    try {
      return await retry(once, {
        clock,
        delays: PAUSES,
        signal,
        shouldRetry: (thrown) => thrown instanceof CommandError && isTransient(thrown),
        onRetry: repeatMessage(say),
      });
    } catch (thrown) {
      throw thrown instanceof CommandError ? explain(thrown) : thrown;
    }
  };

  /**
   * After a component fails, istioctl still waits the full time for those that depend on it (docs/facts/real-mesh.md
   * 6.14). It is ended at the first failure instead, and its output so far is the error.
   */
  const installOnce = async (files: readonly string[], context: InstallRun) => {
    const { onProgress, signal } = context;
    const failed = new AbortController();
    const onLine = (line: string): void => {
      onProgress?.(line);
      if (readProgress(line)?.kind === 'failed') failed.abort();
    };
    const either = { ...context, signal: AbortSignal.any([signal, failed.signal]) };
    try {
      return await processes.run(argv.installCommand(target, files, onLine), either);
    } catch (thrown) {
      const ours = failed.signal.aborted && !signal.aborted;
      if (!(ours && thrown instanceof CommandError && thrown.failure === 'aborted')) throw thrown;
      throw new CommandError(thrown.command, 'exit', { ...thrown.result, exitCode: 1 });
    }
  };

  return {
    version: async (context) => {
      try {
        return clientVersion((await processes.run(argv.versionCommand(target), context)).stdout);
      } catch (thrown) {
        if (!(thrown instanceof CommandError)) throw thrown;
        if (thrown.failure === 'not-found') return undefined;
        throw explain(thrown);
      }
    },
    install: async (files, context) => {
      await tried(() => installOnce(files, context), context);
    },
    setDefaultTag: async (context) => {
      await run(argv.setDefaultTagCommand(target, istio.revision), context);
    },
    configureWorkload: async (request, context) => {
      const identity = { clusterId: istio.cluster, revision: istio.revision };
      await run(argv.configureWorkloadCommand(target, request, identity), context);
    },
  };
}

const versionSchema = z.object({ clientVersion: z.object({ version: z.string() }) });

function clientVersion(stdout: string): string {
  try {
    return versionSchema.parse(JSON.parse(stdout)).clientVersion.version;
  } catch (cause) {
    throw new CliError('tool-failed', {
      message: 'Could not parse the output of `istioctl version --output=json`.',
      hint: 'Remove the file and run `istio-vms istioctl`: it downloads the right one.',
      cause,
    });
  }
}
