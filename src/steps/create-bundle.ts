import { istioctlBuildOf, labArtifacts, type Artifact } from '../artifacts/artifacts.ts';
import {
  contentPath,
  MANIFEST,
  MANIFEST_SUM,
  renderManifest,
  type BundledFile,
  type BundledImages,
  type BundleManifest,
} from '../artifacts/bundle-manifest.ts';
import { packImages, readImages, type SavedImage } from '../artifacts/image-archive.ts';
import { labImages } from '../artifacts/images.ts';
import { CliError } from '../errors/cli-error.ts';
import { imageOverlay } from '../kube/overlay/overlay.ts';
import type { Finding, StepContext } from '../plan/step.ts';
import { sha256 } from '../system/digest.ts';
import type { Cpu, TarMember } from '../system/system.ts';
import { obtainArtifact } from './downloads.ts';
import { overlayText } from './istio.ts';
import type { Lab } from './lab.ts';
import type { LabStep } from './lab-step.ts';

export interface BundleRequest {
  /** CPUs of the machines that the bundle supports. */
  readonly cpus: readonly Cpu[];
  /** Builds of istioctl, e.g. `linux-amd64`. If absent, `ISTIO_ARCH` decides, or else the CPUs. */
  readonly istioctl?: readonly string[];
  /** Absolute path of the bundle. */
  readonly output: string;
  /** Archives of images supplied by the user; absolute paths. */
  readonly imageArchives: readonly string[];
}

/** The result. */
export interface CreatedBundle {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
  readonly manifest: BundleManifest;
}

export interface BundlePlan {
  readonly steps: readonly LabStep[];
  /** The result; set when all steps are done. */
  readonly made: () => CreatedBundle | undefined;
  /** Deletes temporary files. */
  readonly cleanUp: () => Promise<void>;
}

/** Limit for parallel downloads: more do not make the connection faster, and servers have limits. */
export const BUNDLE_LIMITS: Readonly<Record<string, number>> = { download: 4 };

/** Steps that collect everything a lab needs into one file. */
export function planBundle(lab: Lab, request: BundleRequest): BundlePlan {
  const { config, system } = lab;
  const work = `${config.paths.temp}/bundle`;
  const files: BundledFile[] = [];
  const images: BundledImages[] = [];
  let made: CreatedBundle | undefined;

  const artifactSteps = labArtifacts(config, request).map((artifact): LabStep => {
    const { id, version, file, mode } = artifact;
    return fileStep({
      id: file.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
      title: `${file} ${version}`,
      needs: [],
      expectMs: 15_000,
      uses: 'download',
      async make(context) {
        const path = await obtainArtifact(lab, artifact, context).catch((thrown: unknown) => {
          throw withoutThisFile(lab, thrown, artifact);
        });
        files.push({ id, version, file, mode, ...(await measured(lab, path)) });
      },
    });
  });
  // Our own CPU comes last: a tool that keeps only one CPU's image per name then has the image for this computer.
  const cpus = [...request.cpus].sort((a) => (a === lab.host.cpu ? 1 : -1));
  const imageSteps = cpus.map((cpu, index): LabStep => {
    const file = `istio-vms-images-${cpu}.tar`;
    const before = cpus[index - 1];
    return fileStep({
      id: `images-${cpu}`,
      title: `container images for ${cpu}`,
      needs: before === undefined ? [] : [`images-${before}`],
      expectMs: 120_000,
      async make(context) {
        const into = `${work}/${file}`;
        const names = await gatherImages(
          lab,
          { cpu, into, work: `${work}/${cpu}`, archives: request.imageArchives },
          context,
        );
        images.push({ cpu, file, names: [...names], ...(await measured(lab, into)) });
      },
    });
  });
  const packStep = fileStep({
    id: 'pack',
    title: 'one file',
    needs: [...artifactSteps, ...imageSteps].map(({ id }) => id),
    expectMs: 20_000,
    async make(context) {
      context.say('packing');
      const manifest = manifestOf(lab, request, files, images);
      const place = (file: BundledFile | BundledImages): string =>
        'cpu' in file ? `${work}/${file.file}` : `${config.paths.cache}/${contentPath(file)}`;
      await system.files.pack(request.output, bundleMembers(manifest, place));
      made = { path: request.output, manifest, ...(await measured(lab, request.output)) };
    },
  });
  return {
    steps: [...artifactSteps, ...imageSteps, packStep],
    made: () => made,
    cleanUp: () => system.files.remove(work),
  };
}

/** Whether a container tool is needed: not if the user's archives contain all images. */
export async function lacksImages(lab: Lab, { imageArchives, cpus }: BundleRequest): Promise<boolean> {
  const there = await givenImages(lab, imageArchives, `${lab.config.paths.temp}/bundle/look`);
  const wanted = await wantedImages(lab);
  return cpus.some((cpu) => wanted.some((name) => !there.some((image) => isImage(image, name, cpu))));
}

const wantedImages = async (lab: Lab): Promise<readonly string[]> =>
  labImages(lab.config, lab.shipped.versions, imageOverlay(await overlayText(lab)));

const isImage = (image: SavedImage, name: string, cpu: Cpu): boolean => image.cpu === cpu && image.names.includes(name);

async function givenImages(lab: Lab, archives: readonly string[], work: string): Promise<readonly SavedImage[]> {
  const all = archives.map((path, index) => readImages(path, `${work}/given-${index}`, lab.system.files));
  return (await Promise.all(all)).flat();
}

interface ImageGathering {
  readonly cpu: Cpu;
  readonly into: string;
  readonly work: string;
  readonly archives: readonly string[];
}

/** Images from the user's archives, and the remaining ones from the container tool, in one archive. */
async function gatherImages(
  lab: Lab,
  { cpu, into, work, archives }: ImageGathering,
  context: StepContext,
): Promise<readonly string[]> {
  const { files } = lab.system;
  const images = [...(await givenImages(lab, archives, work))];
  for (const [index, image] of (await wantedImages(lab)).entries()) {
    const isIt = (each: SavedImage): boolean => isImage(each, image, cpu);
    if (images.some(isIt)) continue;
    const archive = `${work}/saved-${index}.tar`;
    await lab.container.saveImage({ image, platform: `linux/${cpu}`, archive }, context);
    const saved = await readImages(archive, `${work}/saved-${index}`, files);
    if (!saved.some(isIt)) throw otherImage(lab, image, cpu, saved);
    images.push(...saved);
  }
  context.say('combining the images');
  const names = await packImages(images, { cpu, into, work: `${work}/content` }, files);
  await files.remove(work);
  return names;
}

/** Not every file is published (docs/facts/istio-vm.md 1.3); the hint says how to create a bundle without this one. */
function withoutThisFile({ config, host }: Lab, thrown: unknown, { id, file }: Artifact): unknown {
  if (!(thrown instanceof CliError && thrown.reason === 'artifact-not-found')) return thrown;
  if (config.artifactsUrl !== undefined && id !== 'istioctl') return thrown;
  if (id === 'istioctl') {
    const build = istioctlBuildOf(config, host);
    return new CliError('artifact-not-found', {
      ...thrown.facts,
      hint: `List the builds of istioctl to include, without this one, e.g. --istioctl ${build}.`,
    });
  }
  if (!file.includes('arm64')) return thrown;
  return new CliError('artifact-not-found', {
    ...thrown.facts,
    hint: 'Create the bundle for the other CPU only: --cpu amd64.',
  });
}

function otherImage(lab: Lab, image: string, cpu: Cpu, saved: readonly SavedImage[]): CliError {
  const tool = lab.config.containerTool;
  return new CliError('tool-failed', {
    message: `${tool} was asked for ${image} for ${cpu}, but saved another image.`,
    details: saved.map((each) => `${each.names.join(', ') || 'no name'} for ${each.cpu}`),
    hint: `Remove it (\`${tool} rmi ${image}\`) and try again, save it on another computer and pass it with --image-archive, or use the other CONTAINER_TOOL.`,
  });
}

function manifestOf(
  { config }: Lab,
  { cpus }: BundleRequest,
  files: readonly BundledFile[],
  images: readonly BundledImages[],
): BundleManifest {
  const byName = (a: { file: string }, b: { file: string }): number => (a.file < b.file ? -1 : 1);
  return {
    format: 1,
    istio: config.istio.version,
    k3s: config.k3s.version,
    cpus: [...cpus].sort(),
    files: [...files].sort(byName),
    images: [...images].sort(byName),
  };
}

/** The manifest comes first, so that it can be read without the rest; then the content in the order of its digests. */
function bundleMembers(
  manifest: BundleManifest,
  place: (file: BundledFile | BundledImages) => string,
): readonly TarMember[] {
  const text = renderManifest(manifest);
  const content = [...manifest.files, ...manifest.images]
    .map((file) => ({ name: contentPath(file), content: { file: place(file) }, mode: 0o644 }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    { name: MANIFEST, content: text, mode: 0o644 },
    { name: MANIFEST_SUM, content: `${sha256(text)}  ${MANIFEST}\n`, mode: 0o644 },
    ...content,
  ];
}

/** Digest and size from the Files interface, because in the simulated world a small file represents a large one. */
async function measured({ system }: Lab, path: string): Promise<{ sha256: string; size: number }> {
  const [digest, stat] = await Promise.all([system.files.sha256(path), system.files.stat(path)]);
  if (digest === undefined || stat === undefined) throw new Error(`${path} disappeared while the bundle was created`);
  return { sha256: digest, size: stat.size };
}

/** A step whose result does not exist outside its run: it is ready once it was applied. */
function fileStep({
  make,
  ...rest
}: Omit<LabStep, 'command' | 'tools' | 'check' | 'apply'> & { make: LabStep['apply'] }): LabStep {
  let done = false;
  return {
    ...rest,
    command: 'bundle',
    tools: [],
    check: (): Promise<Finding> => Promise.resolve(done ? 'ready' : { missing: 'not in the bundle yet' }),
    async apply(context) {
      await make(context);
      done = true;
    },
  };
}
