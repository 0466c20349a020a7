import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';
import { knownIssue } from '../errors/known-issues.ts';
import { CommandError } from '../system/command-error.ts';
import { cleanupContext } from '../system/context.ts';
import type { Clock, Command, CommandResult, Context, Processes } from '../system/system.ts';
import { explain } from '../system/explain.ts';
import { plainText } from '../system/plain-text.ts';
import { retry } from '../system/retry.ts';
import type { KubeObject } from '../kube/kinds.ts';
import { parseObjects } from '../kube/object.ts';
import * as argv from './kubectl-argv.ts';
import { repeatMessage } from '../plan/explain.ts';

/** The API did not respond; the reason in one sentence. */
export interface Unreachable {
  readonly unreachable: string;
}

/** A snapshot of the whole cluster. */
export interface ClusterObjects {
  readonly objects: readonly KubeObject[];
}

/**
 * The context for removing what istio-vms created: with `cleanup`, the command starts and finishes even after an abort;
 * only its retries end.
 */
export interface Removal extends Context {
  readonly cleanup?: true;
}

/**
 * A call ends at once when its context's signal is aborted (every write can be repeated), and is not retried; the error
 * is then `interrupted`, even if the API did not respond.
 */
export interface Kubectl {
  /** The version of kubectl itself, without a `v`. @throws CliError `tool-missing` */
  clientVersion(context: Context): Promise<string>;
  /** Objects of these kinds; none for a kind that the cluster does not know. @throws CliError `api-unreachable` */
  get(kinds: string | readonly string[], options: argv.GetOptions, context: Context): Promise<readonly KubeObject[]>;
  /** Like `get`, without retries; an unreachable API is a result, not an error. */
  tryGet(
    kinds: string | readonly string[],
    options: argv.GetOptions,
    context: Context,
  ): Promise<readonly KubeObject[] | Unreachable>;
  /**
   * A snapshot of everything that the checks read, cached until this tool writes or `forget` is called.
   * @throws CliError
   */
  everything(context: Context): Promise<ClusterObjects>;
  /** Like `everything`, without retries; «unreachable» is cached for some seconds. */
  tryEverything(context: Context): Promise<ClusterObjects | Unreachable>;
  /**
   * Drops the cached snapshot, so that the next read queries the API server. Call it before each read when polling.
   *
   * @param keepMs keep a snapshot that is at most this old, in milliseconds
   */
  forget(keepMs?: number): void;
  /** Also drops the cached list of unknown kinds. Call it after anything that may have created some. */
  forgetKinds(): void;
  /**
   * Drops the cached snapshot. The cluster is new: the next read lists the kinds it serves before it gets their
   * objects.
   */
  expectFewKinds(): void;
  apply(objects: readonly KubeObject[], context: Context): Promise<void>;
  /** Deletes an object and waits until it is gone; succeeds when it does not exist. */
  remove(kind: string, name: string, namespace: string | undefined, context: Removal): Promise<void>;
  /** Moves the pods off a node, within a minute. @throws CliError when some remain */
  drain(node: string, context: Context): Promise<void>;
  /** Deletes the pods of a node whose machine is gone. */
  removePodsOf(node: string, context: Context): Promise<void>;
  /** Runs a program in a pod of a deployment. @throws CommandError with the program's own exit code */
  exec(
    place: argv.PodPlace,
    args: readonly string[],
    effect: Command['effect'],
    context: Context,
  ): Promise<CommandResult>;
  restart(deployment: string, namespace: string, context: Context): Promise<void>;
  /** Sets the number of pods of a Deployment. */
  scale(deployment: string, namespace: string, replicas: number, context: Context): Promise<void>;
  /** Blocks until a node is Ready or `ms` have passed; returns whether it is. Any failure returns false. */
  nodeReady(name: string, ms: number, context: Context): Promise<boolean>;
  /**
   * Blocks until a WorkloadEntry has this health or `ms` have passed; returns whether it has. Any failure returns
   * false.
   */
  entryHealth(
    entry: string,
    namespace: string,
    status: 'True' | 'False',
    ms: number,
    context: Context,
  ): Promise<boolean>;
  /** Blocks until a Deployment is rolled out or `ms` have passed; returns whether it is. Any failure returns false. */
  rolledOut(deployment: string, namespace: string, ms: number, context: Context): Promise<boolean>;
  /**
   * Blocks until all Deployments of a namespace are available or `ms` have passed; returns whether they are. Any
   * failure returns false.
   */
  allAvailable(namespace: string, ms: number, context: Context): Promise<boolean>;
  /** The last 50 lines. */
  logs(place: argv.PodPlace, context: Context): Promise<string>;
}

/** Kinds of every cluster. ConfigMaps are excluded: they are large, and the one we need is read by name. */
export const CORE_KINDS = [
  'nodes',
  // Shows whether a node's kubelet still reports.
  'leases.coordination.k8s.io',
  'namespaces',
  'services',
  'serviceaccounts',
  'pods',
  'deployments.apps',
  'networkpolicies.networking.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
] as const;

/** Kinds that Istio installs; before that, the cluster knows none of them. */
export const ISTIO_KINDS = [
  'gateways.networking.istio.io',
  'virtualservices.networking.istio.io',
  'destinationrules.networking.istio.io',
  'workloadgroups.networking.istio.io',
  'workloadentries.networking.istio.io',
  'peerauthentications.security.istio.io',
] as const;

/** Transient errors: a server that is just starting, a busy datastore, a webhook whose pod is not ready yet. */
const TRANSIENT =
  /was refused|connection refused|connection reset|unexpected EOF|i\/o timeout|TLS handshake timeout|etcdserver|the object has been modified|Operation cannot be fulfilled|failed calling webhook|ServiceUnavailable|server is currently unable|context deadline exceeded/i;
const isTransient = (stderr: string): boolean =>
  TRANSIENT.test(stderr) || knownIssue(plainText(stderr), 'kubectl')?.transient === true;
const PAUSES = [1_000, 2_000, 4_000, 8_000];
const UNREACHABLE_MS = 5_000;
const UNKNOWN_KIND = /the server doesn't have a resource type "([^"]+)"/;

export interface KubectlParts {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly config: { readonly context: string; readonly paths: Pick<Config['paths'], 'kubeconfig'> };
}

export function createKubectl({ processes, clock, config }: KubectlParts): Kubectl {
  const target: argv.KubeTarget = { kubeconfig: config.paths.kubeconfig, context: config.context };
  let seen: Promise<ClusterObjects> | undefined;
  let seenAt = Number.NEGATIVE_INFINITY;
  let unreachable: { readonly answer: Unreachable; readonly until: number } | undefined;

  /** The kinds we read that the cluster does not know. */
  let absent: readonly string[] = [];
  let fewKinds = false;

  const forget = (keepMs?: number): void => {
    if (keepMs !== undefined && clock.now() - seenAt <= keepMs) return;
    seen = undefined;
    seenAt = Number.NEGATIVE_INFINITY;
    unreachable = undefined;
  };

  const retried = async (command: Command, context: Removal): Promise<CommandResult> => {
    const { say, signal, cleanup } = context;
    let last: CommandError | undefined;
    const shouldRetry = (thrown: unknown): boolean => {
      if (!(thrown instanceof CommandError && thrown.failure === 'exit')) return false;
      last = thrown;
      return isTransient(thrown.result.stderr);
    };
    const once = (): Promise<CommandResult> =>
      processes.run(command, cleanup === true ? cleanupContext(context) : context);
    try {
      return await retry(once, { clock, delays: PAUSES, signal, shouldRetry, onRetry: repeatMessage(say) });
    } catch (thrown) {
      if (!signal.aborted || last === undefined) throw thrown;
      // It would have been retried; only the interrupt prevented that.
      if (thrown !== signal.reason && !shouldRetry(thrown)) throw thrown;
      throw new CommandError(command, 'aborted', last.result, { cause: thrown });
    }
  };

  const write = async (command: Command, context: Removal): Promise<void> => {
    try {
      await explained(retried(context.cleanup === true ? command : { ...command, interruptible: true }, context));
    } finally {
      // A failed write may have changed something too.
      forget();
    }
  };

  /**
   * kubectl fails completely when it does not know one of the kinds, so that kind is left out and the rest is read
   * again.
   */
  const look = async (
    run: (command: Command) => Promise<CommandResult>,
    kinds: readonly string[],
    options: argv.GetOptions,
  ): Promise<readonly KubeObject[]> => {
    if (kinds.length === 0) return [];
    try {
      return parseList((await run(argv.getCommand(target, kinds, options))).stdout);
    } catch (thrown) {
      const unknown = thrown instanceof CommandError ? UNKNOWN_KIND.exec(thrown.result.stderr)?.[1] : undefined;
      if (unknown === undefined) throw thrown;
      const known = kinds.filter((kind) => kind !== unknown && !kind.startsWith(`${unknown}.`));
      // The cluster may report the kind under another name than requested; then we cannot tell which kind to leave out.
      return known.length === kinds.length ? [] : look(run, known, options);
    }
  };

  /** Reads everything in one call. The served kinds are listed once, and again only after an install. */
  const lookAtAll = async (run: (command: Command) => Promise<CommandResult>): Promise<ClusterObjects> => {
    const all = [...CORE_KINDS, ...ISTIO_KINDS];
    const kinds = all.filter((kind) => !absent.includes(kind));
    try {
      if (!fewKinds) return { objects: parseList((await run(argv.getCommand(target, kinds))).stdout) };
    } catch (thrown) {
      if (!(thrown instanceof CommandError && UNKNOWN_KIND.test(thrown.result.stderr))) throw thrown;
    }
    const served = await servedKinds(run, target);
    fewKinds = false;
    absent = all.filter((kind) => !served.includes(kind));
    const known = all.filter((kind) => served.includes(kind));
    return { objects: await look(run, known, {}) };
  };

  /** Shares one read in flight and caches its result; a failed read is not cached. */
  const remember = (work: () => Promise<ClusterObjects>): Promise<ClusterObjects> => {
    if (seen !== undefined) return seen;
    const looking = work();
    seen = looking;
    looking.then(
      () => {
        if (seen === looking) seenAt = clock.now();
      },
      () => {
        if (seen === looking) forget();
      },
    );
    return looking;
  };

  const met = async (command: Command, context: Context): Promise<boolean> => {
    try {
      await processes.run(command, context);
      return true;
    } catch (thrown) {
      if (thrown instanceof CommandError && (thrown.failure === 'exit' || thrown.failure === 'timed-out')) return false;
      throw thrown;
    }
  };

  return {
    clientVersion: async (context) => {
      const { stdout } = await explained(processes.run(argv.clientVersionCommand(), context));
      return clientVersionIn(stdout);
    },
    get: (kinds, options, context) => explained(look((command) => retried(command, context), listed(kinds), options)),
    tryGet: (kinds, options, context) =>
      orUnreachable(explained(look((command) => processes.run(command, context), listed(kinds), options))),
    everything: (context) => {
      const listWithRetry = (): Promise<ClusterObjects> =>
        remember(() => lookAtAll((command) => retried(command, context)));
      // The read in flight may be one without retries, so retry when it fails.
      return explained(seen === undefined ? listWithRetry() : seen.catch(listWithRetry));
    },
    tryEverything: async (context) => {
      if (unreachable !== undefined && clock.now() < unreachable.until) return unreachable.answer;
      const work = remember(() => lookAtAll((command) => processes.run(command, context)));
      const answer = await orUnreachable(explained(work));
      if ('unreachable' in answer) unreachable = { answer, until: clock.now() + UNREACHABLE_MS };
      return answer;
    },
    forget,
    forgetKinds: () => {
      absent = [];
      forget();
    },
    expectFewKinds: () => {
      absent = [];
      fewKinds = true;
      forget();
    },
    apply: (objects, context) => write(argv.applyCommand(target, objects), context),
    remove: async (kind, name, namespace, context) => {
      try {
        await write(argv.deleteCommand(target, kind, name, namespace), context);
      } catch (thrown) {
        // A kind that does not exist has no objects.
        const cause = thrown instanceof CliError ? thrown.facts.cause : undefined;
        if (!(cause instanceof CommandError && UNKNOWN_KIND.test(cause.result.stderr))) throw thrown;
      }
    },
    drain: (node, context) => write(argv.drainCommand(target, node), context),
    removePodsOf: (node, context) => write(argv.deletePodsCommand(target, node), context),
    exec: async (place, args, effect, context) => {
      try {
        return await processes.run(argv.execCommand(target, place, args, effect), context);
      } finally {
        if (effect === 'write') forget();
      }
    },
    scale: (deployment, namespace, replicas, context) =>
      write(argv.scaleCommand(target, deployment, namespace, replicas), context),
    restart: (deployment, namespace, context) => write(argv.restartCommand(target, deployment, namespace), context),
    nodeReady: (name, ms, context) => met(argv.waitNodeCommand(target, name, secondsIn(ms)), context),
    entryHealth: (entry, namespace, status, ms, context) =>
      met(argv.waitHealthCommand(target, entry, namespace, status, secondsIn(ms)), context),
    rolledOut: (deployment, namespace, ms, context) =>
      met(argv.waitRolloutCommand(target, deployment, namespace, secondsIn(ms)), context),
    allAvailable: (namespace, ms, context) => met(argv.waitAvailableCommand(target, namespace, secondsIn(ms)), context),
    logs: async (place, context) => (await explained(retried(argv.logsCommand(target, place), context))).stdout,
  };
}

const secondsIn = (ms: number): number => Math.max(1, Math.round(ms / 1_000));

const listed = (kinds: string | readonly string[]): readonly string[] => (typeof kinds === 'string' ? [kinds] : kinds);

/** kubectl leaves out the kinds of an aggregated API server that is down, and then exits with 1. */
async function servedKinds(
  run: (command: Command) => Promise<CommandResult>,
  target: argv.KubeTarget,
): Promise<readonly string[]> {
  try {
    return (await run(argv.kindsCommand(target))).stdout.split('\n');
  } catch (thrown) {
    const partly = thrown instanceof CommandError && /complete list of server APIs/.test(thrown.result.stderr);
    if (!partly) throw thrown;
    return thrown.result.stdout.split('\n');
  }
}

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw thrown instanceof CommandError ? explain(thrown) : thrown;
  }
}

async function orUnreachable<T>(work: Promise<T>): Promise<T | Unreachable> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof CliError && thrown.reason === 'api-unreachable') return { unreachable: thrown.message };
    throw thrown;
  }
}

function parseList(stdout: string): KubeObject[] {
  try {
    return parseObjects(stdout);
  } catch (cause) {
    const why = cause instanceof SyntaxError || !(cause instanceof Error) ? 'no JSON' : cause.message;
    throw new CliError('tool-failed', {
      message: `Could not parse the output of kubectl: ${why}.`,
      hint: 'Check that `kubectl` on the PATH is the real one.',
      details: [stdout.slice(0, 300)],
      cause,
    });
  }
}

const versionSchema = z.object({ clientVersion: z.object({ gitVersion: z.string() }) });

function clientVersionIn(stdout: string): string {
  try {
    return versionSchema.parse(JSON.parse(stdout)).clientVersion.gitVersion.replace(/^v/, '');
  } catch (cause) {
    throw new CliError('tool-too-old', {
      message: 'Could not parse the output of `kubectl version --client --output=json`.',
      hint: 'Install kubectl 1.22 or newer.',
      cause,
    });
  }
}
