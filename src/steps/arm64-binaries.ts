import { IMAGE_MEMBERS, proxyImage } from '../artifacts/images.ts';
import { imageOverlay } from '../kube/overlay/overlay.ts';
import type { StepContext } from '../plan/step.ts';
import type { Cpu, FileInput } from '../system/system.ts';
import { overlayText } from './istio.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';

/** Binaries of one version and CPU on this computer. */
export interface ImageBinaries extends Readonly<Record<string, FileInput>> {
  readonly envoy: FileInput;
  readonly agent: FileInput;
  readonly bootstrap: FileInput;
}

/**
 * The `arm64-patch` command: extracts envoy and pilot-agent from the linux/arm64 image. `up` does this only if the
 * package is missing.
 */
export function arm64BinariesStep(lab: Lab): LabStep {
  const paths = Object.values(binaries(lab, 'arm64')).map(({ file }) => file);
  return {
    id: 'arm64-binaries',
    title: `arm64 envoy and pilot-agent ${lab.config.istio.version}`,
    needs: [],
    command: 'arm64-patch',
    tools: ['container'],
    expectMs: 60_000,
    async check() {
      const found = await Promise.all(paths.map((path) => lab.system.files.stat(path)));
      return found.every((stat) => stat !== undefined)
        ? 'ready'
        : { missing: `no binaries in ${directory(lab, 'arm64')}` };
    },
    async apply(context) {
      await imageBinaries(lab, 'arm64', context);
    },
    async remove() {
      if ((await lab.system.files.stat(directory(lab, 'arm64'))) === undefined) return 'absent';
      await lab.system.files.remove(directory(lab, 'arm64'));
      return 'removed';
    },
  };
}

/** Extracts the binaries from the proxyv2 image of this CPU, unless they are in the cache. */
export async function imageBinaries(lab: Lab, cpu: Cpu, context: StepContext): Promise<ImageBinaries> {
  const paths = binaries(lab, cpu);
  const there = await Promise.all(Object.values(paths).map(({ file }) => lab.system.files.stat(file)));
  if (there.some((stat) => stat === undefined)) {
    const request = {
      image: proxyImage(lab.config, lab.shipped.versions, imageOverlay(await overlayText(lab))),
      platform: `linux/${cpu}`,
      into: directory(lab, cpu),
      members: IMAGE_MEMBERS,
    };
    await lab.container.extractFromImage(request, context);
  }
  return paths;
}

function directory(lab: Lab, cpu: Cpu): string {
  return `${lab.config.paths.temp}/istio-proxy-${lab.config.istio.version}-${cpu}`;
}

function binaries(lab: Lab, cpu: Cpu): ImageBinaries {
  const at = directory(lab, cpu);
  return {
    envoy: { file: `${at}/envoy` },
    agent: { file: `${at}/pilot-agent` },
    bootstrap: { file: `${at}/envoy_bootstrap_tmpl.json` },
  };
}
