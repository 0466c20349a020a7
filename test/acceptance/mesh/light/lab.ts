import { mkdir, writeFile } from 'node:fs/promises';
import type { Config } from '../../../../src/config/config.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import { toYaml, type Manifest } from '../../../../src/kube/manifests/manifest.ts';
import type { Cpu } from '../../../../src/system/system.ts';
import { loadShippedData, type ShippedData } from '../../../../src/system/shipped.ts';
import { applyCommand } from '../../../../src/tools/kubectl-argv.ts';
import type { IstioPrograms, MeshPrograms } from '../programs.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { runCommand } from './processes.ts';

/** Input of all parts of a light mesh. */
export interface LightLab {
  readonly programs: MeshPrograms;
  readonly istio: IstioPrograms;
  readonly config: Config;
  readonly shipped: ShippedData;
  readonly cluster: Cluster;
  /** Directory for logs and for the files that the product creates. */
  readonly directory: string;
}

/** The product's configuration for this Istio, and a running API server. */
export async function createLab(programs: MeshPrograms, istio: IstioPrograms, directory: string): Promise<LightLab> {
  await mkdir(directory, { recursive: true });
  const shipped = await loadShippedData();
  const cpu: Cpu = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const { config } = loadConfig({
    host: { platform: 'linux', cpu, cwd: directory, home: directory, env: {} },
    versions: shipped.versions,
    flags: { ISTIO_VERSION: istio.version, LAB_SIZE: 'small' },
  });
  return { programs, istio, config, shipped, cluster: await startCluster(programs, directory), directory };
}

/** Applies objects with the product's own command line. */
export async function apply(lab: LightLab, objects: readonly Manifest[]): Promise<void> {
  await runCommand(applyCommand(lab.cluster, objects));
}

/** Writes objects for istioctl and returns the path. */
export async function writeManifest(lab: LightLab, name: string, objects: readonly Manifest[]): Promise<string> {
  const path = `${lab.directory}/${name}.yaml`;
  await writeFile(path, toYaml(objects));
  return path;
}

/** The name of this revision's istiod within the cluster. */
export const istiodName = ({ config }: LightLab): string => `istiod-${config.istio.revision}`;
