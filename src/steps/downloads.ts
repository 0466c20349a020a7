import { k3sArtifact, sidecarDebArtifact, istioctlArtifact } from '../artifacts/artifacts.ts';
import { isCached, obtain } from '../artifacts/obtain.ts';
import type { Artifact } from '../artifacts/artifacts.ts';
import { CliError } from '../errors/cli-error.ts';
import type { StepContext } from '../plan/step.ts';
import { BUNDLE_STEP } from './bundle.ts';
import { clusterSnapshot } from './cluster-snapshot.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';
import { nodeIsReady } from './node-health.ts';

/** A verified file of the cache; it is downloaded if it is missing. With a bundle it is already in the cache. */
export async function obtainArtifact(lab: Lab, artifact: Artifact, context: StepContext): Promise<string> {
  const { artifactsUrl } = lab.config;
  return obtain({
    artifact: lab.bundle?.pin(artifact) ?? artifact,
    system: lab.system,
    cacheDir: lab.config.paths.cache,
    say: context.say,
    signal: context.signal,
  }).catch((thrown: unknown) => {
    if (artifactsUrl === undefined || lab.bundle !== undefined) throw thrown;
    if (!(thrown instanceof CliError && thrown.reason === 'artifact-not-found')) throw thrown;
    throw new CliError('artifact-not-found', {
      ...thrown.facts,
      hint: `ARTIFACTS_URL is ${artifactsUrl}: put ${originalPath(artifact, artifactsUrl)} there, or unset it to download from the publisher.`,
    });
  });
}

/** The path below the mirror. */
function originalPath({ url }: Artifact, mirror: string): string {
  return url.slice(mirror.replace(/\/+$/, '').length);
}

async function isDownloaded(lab: Lab, artifact: Artifact): Promise<boolean> {
  return isCached(lab.bundle?.pin(artifact) ?? artifact, lab.system, lab.config.paths.cache);
}

/**
 * Whether another source may be used for a file that is not published: not with a bundle, because nothing may be
 * downloaded then.
 */
export function canFallBack(lab: Lab, error: unknown): boolean {
  return lab.bundle === undefined && error instanceof CliError && error.reason === 'artifact-not-found';
}

/** With a bundle, files come from it. */
const afterBundle = (lab: Lab): readonly string[] => (lab.bundle === undefined ? [] : [BUNDLE_STEP]);

/** The k3s binary, once for all nodes. */
export function k3sBinaryStep(lab: Lab): LabStep {
  const artifact = k3sArtifact(lab.config, lab.host.cpu);
  return {
    id: 'k3s-binary',
    title: `k3s ${lab.config.k3s.version}`,
    needs: afterBundle(lab),
    command: 'k3s',
    tools: [],
    // 79 MB at the rate of the one published download (docs/facts/figures.md 1: 38.8 MB in 11 s).
    expectMs: 22_000,
    async check(context) {
      if (await isDownloaded(lab, artifact)) return 'ready';
      // Nodes that already run this version need no binary.
      const cluster = await clusterSnapshot(lab, context);
      const names = [lab.config.k3s.master, ...lab.config.k3s.workerNames];
      if (names.every((name) => nodeIsReady(cluster, name, lab.config.k3s.version))) return 'ready';
      return { missing: `${artifact.file} is not in the cache` };
    },
    async apply(context) {
      await obtainArtifact(lab, artifact, context);
    },
  };
}

/** The sidecar's package for the workload VM. If it is not published, the binaries come from the image. */
export function sidecarDownloadStep(lab: Lab): LabStep {
  const artifact = sidecarDebArtifact(lab.config, lab.host.cpu);
  let absent = false;
  return {
    id: 'sidecar-download',
    title: `sidecar package ${lab.config.istio.version}`,
    needs: afterBundle(lab),
    command: 'bootstrap',
    tools: [],
    expectMs: 11_000,
    async check(context) {
      if (absent || (await isDownloaded(lab, artifact))) return 'ready';
      const states = await Promise.all(lab.config.workloads.map(({ name }) => lab.workloadVm(name).state(context)));
      if (states.every((state) => state?.sidecar.version === lab.config.istio.version)) return 'ready';
      return { missing: `${artifact.file} is not in the cache` };
    },
    async apply(context) {
      try {
        await obtainArtifact(lab, artifact, context);
      } catch (error) {
        // The arm64 package may not be published for a version (docs/facts/istio-vm.md 1.3); the image has the same
        // binaries.
        if (!canFallBack(lab, error)) throw error;
        absent = true;
        context.say('this package is not published; its binaries are extracted from the proxyv2 image');
      }
    },
  };
}

/** istioctl of exactly this version, with a link that other tools can call. */
export function istioctlStep(lab: Lab): LabStep {
  const artifact = istioctlArtifact(lab.config, lab.host);
  const { files } = lab.system;
  const { istioctl, istioctlLink, bin } = lab.config.paths;
  const fileName = istioctl.slice(istioctl.lastIndexOf('/') + 1);
  const part = `${fileName}.part`;
  return {
    id: 'istioctl',
    title: `istioctl ${lab.config.istio.version}`,
    needs: afterBundle(lab),
    command: 'istioctl',
    tools: [],
    expectMs: 9_000,
    async check() {
      const [program, link] = await Promise.all([files.stat(istioctl), files.stat(istioctlLink)]);
      if (program === undefined) return { missing: `no ${istioctl}` };
      if ((program.mode & 0o111) === 0) return { drifted: `${istioctl} is not executable` };
      if (link?.target !== fileName) return { drifted: `${istioctlLink} does not point to ${fileName}` };
      return 'ready';
    },
    async apply(context) {
      const archive = await obtainArtifact(lab, artifact, context);
      await files.makeDirectory(bin);
      if ((await files.stat(istioctl)) === undefined) {
        // Extracted next to its target and renamed, so that a half-written istioctl is never used.
        await files.extract(archive, bin, [{ member: 'istioctl', as: part, mode: 0o755 }]);
        await files.rename(`${bin}/${part}`, istioctl);
      }
      await files.chmod(istioctl, 0o755);
      await files.link(istioctlLink, fileName);
    },
    async remove() {
      const [program, link] = await Promise.all([files.stat(istioctl), files.stat(istioctlLink)]);
      if (link === undefined || link.target === fileName) await files.remove(istioctlLink);
      await files.remove(`${bin}/${part}`);
      await files.remove(istioctl);
      return program === undefined ? 'absent' : 'removed';
    },
  };
}
