import type { Context } from '../system/system.ts';
import { k3sImagesArtifact } from '../artifacts/artifacts.ts';
import type { Bundle } from '../artifacts/bundle.ts';
import { driftOf } from '../guest/digest.ts';
import { imageFiles, type ImageArchive } from '../guest/images.ts';
import { parseGuestState, stateCommand } from '../guest/state.ts';
import type { Machine } from '../machines/machine.ts';
import { counted } from '../plan/text.ts';
import type { StepContext } from '../plan/step.ts';
import { BUNDLE_STEP } from './bundle.ts';
import { obtainArtifact } from './downloads.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';

/** Enough time for a gigabyte over a slow bridge. */
const PUT_MS = 1_200_000;
const LOOK_MS = 120_000;

/** Id of the step that copies images to the node of this machine's step, when there is a bundle. */
export const imagesStepOf = (machineStep: string): string => `images-${machineStep}`;

/**
 * Copies images to every node, so that none has to be pulled. Without a bundle, nodes pull what they need themselves.
 */
export function nodeImageSteps(lab: Lab): readonly LabStep[] {
  const { bundle, config } = lab;
  if (bundle === undefined) return [];
  return [
    // The control plane's node runs only the pods of k3s itself, because it has a taint and a small disk.
    imagesStep(lab, bundle, { node: config.k3s.master, machineStep: 'master', own: false }),
    ...config.k3s.workerNames.map((node, index) =>
      imagesStep(lab, bundle, { node, machineStep: `worker-${index + 1}`, own: true }),
    ),
  ];
}

interface Place {
  readonly node: string;
  readonly machineStep: string;
  /** Whether the lab's own images are copied too. */
  readonly own: boolean;
}

function imagesStep(lab: Lab, bundle: Bundle, { node, machineStep, own }: Place): LabStep {
  const look = async (context: StepContext) => {
    const machine = lab.engine.machine(node);
    const { files, script } = imageFiles(lab.shipped, await archivesFor(lab, bundle, { machine, own }, context));
    return { machine, script, missing: await missingFiles(lab, machine, files, context) };
  };
  return {
    id: imagesStepOf(machineStep),
    title: `container images on ${node}`,
    needs: [machineStep, BUNDLE_STEP],
    command: 'up',
    tools: ['machines'],
    expectMs: 15_000,
    async check(context) {
      const { missing } = await look(context);
      return missing.length === 0 ? 'ready' : { missing: `${counted(missing.length, 'archive')} not on ${node}` };
    },
    async apply(context) {
      const { machine, script, missing } = await look(context);
      context.say(`copying ${counted(missing.length, 'archive')} of images`);
      await machine.put(missing, script, { ...context, timeoutMs: PUT_MS });
    },
  };
}

async function archivesFor(
  lab: Lab,
  bundle: Bundle,
  { machine, own }: { readonly machine: Machine; readonly own: boolean },
  context: StepContext,
): Promise<readonly ImageArchive[]> {
  const cpu = await machine.arch(context);
  const k3s = {
    name: 'k3s-airgap-images.tar.zst',
    file: await obtainArtifact(lab, k3sImagesArtifact(lab.config, cpu), context),
  };
  return own ? [k3s, ...bundle.images(cpu).map(({ path }) => ({ name: 'istio-vms-images.tar', file: path }))] : [k3s];
}

type NodeFile = ReturnType<typeof imageFiles>['files'][number];

/** Archives that are not on the node yet, compared by digest: a gigabyte is copied only if necessary. */
async function missingFiles(
  lab: Lab,
  machine: Machine,
  files: readonly NodeFile[],
  context: Context,
): Promise<readonly NodeFile[]> {
  const paths = files.map(({ path }) => path);
  const state = parseGuestState(
    (await machine.run({ ...stateCommand(lab.shipped, paths), timeoutMs: LOOK_MS }, context)).stdout,
  );
  const digests: Record<string, string> = {};
  for (const { path, content } of files) {
    const digest =
      typeof content === 'object' && 'file' in content ? await lab.system.files.sha256(content.file) : undefined;
    if (digest !== undefined) digests[path] = digest;
  }
  const different = driftOf(files, state, digests);
  return files.filter(({ path }) => different.includes(path));
}
