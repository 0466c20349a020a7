import type { Context } from '../system/system.ts';
import { CliError } from '../errors/cli-error.ts';
import type { KubeObject } from '../kube/kinds.ts';
import type { NotReady } from '../plan/wait.ts';
import { progressText, readProgress, type Waited } from '../tools/istioctl-progress.ts';
import { stoppedNodeNames, type ClusterSnapshot } from './cluster-snapshot.ts';
import { podProblem, type PodProblem } from './pod-reasons.ts';
import type { Lab } from './lab.ts';

/** The pods are first checked when an ordinary install would be done; milliseconds. */
const FIRST_POLL_MS = 15_000;
const LOOK_MS = 20_000;

/** Reasons why pods do not start, tracked over several snapshots. */
export interface InstallErrorWatch {
  /** Checks these Deployments. @returns the current trouble, and the error once it has lasted too long */
  see(objects: readonly KubeObject[], deployments: readonly string[]): Seen;
  /** Result of the last check. */
  readonly last: () => Seen;
}

interface Seen {
  readonly trouble?: PodProblem;
  readonly verdict?: CliError;
}

/** Remembers since when each kind of trouble exists. */
export function createInstallErrorWatch(lab: Lab, namespace: string): InstallErrorWatch {
  const { clock } = lab.system;
  const since = new Map<string, number>();
  let last: Seen = {};
  return {
    last: () => last,
    see(objects, deployments) {
      const now = clock.now();
      const found = deployments.flatMap((name) => {
        const trouble = podProblem(objects, name, namespace, { ofIstio: namespace === lab.config.istio.namespace });
        return trouble === undefined ? [] : [{ key: `${name} ${trouble.kind}`, name, trouble }];
      });
      for (const key of [...since.keys()]) if (!found.some((each) => each.key === key)) since.delete(key);
      for (const { key } of found) since.set(key, since.get(key) ?? now);
      const over = found.find(({ key, trouble }) => now - (since.get(key) ?? now) >= trouble.patienceMs);
      const trouble = over?.trouble ?? found[0]?.trouble;
      last = {
        ...(trouble === undefined ? {} : { trouble }),
        ...(over === undefined ? {} : { verdict: podError(over.name, over.trouble) }),
      };
      return last;
    },
  };
}

/** The error for pods that do not start. */
export function podError(deployment: string, { text, hint, reason }: PodProblem, cause?: unknown): CliError {
  return new CliError(reason, {
    message: `The pods of ${deployment} do not start: ${text}.`,
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Watches an install: shows istioctl's progress and the reasons of pods that do not start. */
export interface InstallWatch {
  /** Aborted when a pod's trouble has lasted too long, because istioctl would continue to wait. */
  readonly signal: AbortSignal;
  /** Called for each line of istioctl's progress. */
  readonly onProgress: (line: string) => void;
  /** The error behind `signal`. */
  readonly verdict: () => CliError | undefined;
  /** The trouble found by the last check. */
  readonly trouble: () => PodProblem | undefined;
  /** Ends the watch; resolves when its last check is done. */
  readonly stop: () => Promise<void>;
}

export function watchInstall(lab: Lab, context: Context, namespace: string, main: string): InstallWatch {
  const over = new AbortController();
  const fatal = new AbortController();
  const podErrors = createInstallErrorWatch(lab, namespace);
  let waited: readonly Waited[] = [];
  let said: string | undefined;
  let last: Seen = {};

  const tell = (text: string): void => {
    if (text !== said) context.say(text);
    said = text;
  };
  /** Only the Deployments that this install waits for: others in the namespace may have unrelated trouble. */
  const concerns = (objects: readonly KubeObject[]): readonly string[] => {
    const named = objects
      .filter(({ kind, metadata }) => kind === 'Deployment' && waited.some((each) => isNamed(each, metadata.name)))
      .map(({ metadata }) => metadata.name);
    return [...new Set([main, ...named])];
  };
  const look = async (): Promise<void> => {
    const objects = await lab.kubectl.tryGet(['deployments.apps', 'pods'], { namespace }, context);
    if ('unreachable' in objects) return;
    last = podErrors.see(objects, concerns(objects));
    if (last.trouble !== undefined) tell(`waiting for ${last.trouble.text}`);
    if (last.verdict !== undefined) fatal.abort();
  };
  const watching = (async () => {
    const { clock } = lab.system;
    try {
      await clock.sleep(FIRST_POLL_MS, over.signal);
      for (;;) {
        // A failed check says nothing about the install.
        await look().catch(() => undefined);
        await clock.sleep(LOOK_MS, over.signal);
      }
    } catch {
      // The install is over.
    }
  })();

  return {
    signal: fatal.signal,
    onProgress: (line) => {
      const progress = readProgress(line);
      if (progress === undefined) return;
      if (progress.kind === 'working') waited = progress.waitsFor;
      const text = progressText(progress);
      if (text !== undefined) tell(`istioctl: ${text}`);
    },
    verdict: () => last.verdict,
    trouble: () => last.trouble,
    stop: async () => {
      over.abort();
      await watching;
    },
  };
}

const isNamed = ({ kind, name, cut }: Waited, deployment: string): boolean =>
  kind === 'Deployment' && (cut ? deployment.startsWith(name) : deployment === name);

/**
 * Why Deployments are not ready yet: the reasons of their pods, or which nodes are down; `failed` when waiting cannot
 * help.
 */
export function probePods(
  state: string,
  podErrors: InstallErrorWatch,
  view: ClusterSnapshot,
  names: readonly string[],
): NotReady {
  const { trouble, verdict } = podErrors.see(view.objects, names);
  if (verdict !== undefined) return { failed: verdict };
  return { pending: `${state}${trouble === undefined ? stoppedNodeNames(view) : `; ${trouble.text}`}` };
}
