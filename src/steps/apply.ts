import { CliError } from '../errors/cli-error.ts';
import type { Manifest } from '../kube/manifests/manifest.ts';
import type { StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { isTerminating, clusterSnapshot } from './cluster-snapshot.ts';
import type { Lab } from './lab.ts';

const TERMINATING_MS = 180_000;

/**
 * Applies objects. Waits first for any of their namespaces that is still being deleted (a former lab's, or deleted by a
 * user): nothing new can be created in it, and what is applied to it meanwhile is deleted with it.
 */
export async function applyObjects(lab: Lab, context: StepContext, objects: readonly Manifest[]): Promise<void> {
  const namespaces = [...new Set(objects.flatMap(namespacesOf))];
  await waitForFormerNamespaces(lab, context, namespaces);
  try {
    await lab.kubectl.apply(objects, context);
  } catch (error) {
    // The namespace started terminating between our check and the apply.
    if (!(error instanceof CliError && /because it is being terminated/.test(error.facts.stderrTail ?? '')))
      throw error;
    await waitForFormerNamespaces(lab, context, namespaces);
    await lab.kubectl.apply(objects, context);
  }
}

/** Waits until none of these namespaces is being deleted any more. */
export async function waitForFormerNamespaces(lab: Lab, context: StepContext, names: readonly string[]): Promise<void> {
  const going = async (): Promise<string | undefined> => {
    const view = await clusterSnapshot(lab, context);
    return names.find((name) => isTerminating(view, name));
  };
  if ((await going()) === undefined) return;
  await waitUntil({
    clock: lab.system.clock,
    signal: context.signal,
    say: context.say,
    what: 'a former namespace to be gone',
    deadlineMs: TERMINATING_MS,
    intervalMs: 2_000,
    hint: `Check what blocks it: \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} get namespace NAME -o yaml\`, under finalizers and conditions.`,
    probe: async () => {
      lab.kubectl.forget();
      const name = await going();
      return name === undefined ? { ready: true } : { pending: `namespace ${name} is still being deleted` };
    },
  });
}

function namespacesOf({ kind, metadata }: Manifest): readonly string[] {
  if (kind === 'Namespace') return [metadata.name];
  return metadata.namespace === undefined ? [] : [metadata.namespace];
}
