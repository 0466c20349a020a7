import { writeFile } from 'node:fs/promises';
import type { IstioPrograms, MeshPrograms } from '../programs.ts';
import { createChecks, Stopped, type Checks } from './checks.ts';
import { ADDRESSES, bringUpCluster, workloadFiles } from './cluster-side.ts';
import { startControllers } from './controllers.ts';
import { checkTraffic, joinMesh } from './joining.ts';
import { createLab, type LightLab } from './lab.ts';
import { checkLifecycle, checkCleanStop } from './lifecycle.ts';
import { createBridge, type Place } from './place.ts';
import { createVm } from './vm.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** Creates one mesh and runs all checks. Must run in new namespaces, since it does not clean up. */
export async function runMesh(
  programs: MeshPrograms,
  istio: IstioPrograms,
  directory: string,
  print: (line: string) => void,
): Promise<Counts> {
  const checks = createChecks(print);
  process.env['PATH'] = `${programs.kubernetes}:${process.env['PATH'] ?? ''}`;
  try {
    await runChecks(programs, istio, directory, checks);
  } catch (error) {
    if (!(error instanceof Stopped))
      await checks.check('the rig itself', async () => {
        throw error;
      });
    else print(`      ${error.message}`);
  }
  return checks.counts();
}

async function runChecks(
  programs: MeshPrograms,
  istio: IstioPrograms,
  directory: string,
  checks: Checks,
): Promise<void> {
  await createBridge();
  const lab = await checks.need('the API server is ready', () => createLab(programs, istio, directory));
  startControllers(lab.cluster.api);
  const side = await bringUpCluster(lab, checks);
  const vm = await createVm(lab, ADDRESSES.vm, 'legacy and nft');
  const files = await workloadFiles(lab, checks, ADDRESSES.vm);
  await joinMesh(lab, checks, vm, files);
  await checkTraffic(lab, checks, vm, side);
  for (const place of [side.gateway, side.helloworld, vm.place]) await dump(place, directory);
  // In parallel, since both spend most of the time waiting.
  await allOf(checkLifecycle(lab, checks, vm, files), checkNftAlone(lab, checks));
}

/** Checks a machine that has no legacy iptables. */
async function checkNftAlone(lab: LightLab, checks: Checks): Promise<void> {
  const vm = await createVm(lab, ADDRESSES.vmNftAlone, 'nft alone');
  await joinMesh(lab, checks, vm, await workloadFiles(lab, checks, ADDRESSES.vmNftAlone));
  await checks.check('vm-nft: a stop leaves no rule', () => checkCleanStop(vm));
}

/** Waits until all have settled, then throws the first error. */
async function allOf(...work: readonly Promise<void>[]): Promise<void> {
  for (const ended of await Promise.allSettled(work)) if (ended.status === 'rejected') throw ended.reason;
}

/** Saves Envoy's configuration, clusters and certificates for debugging. */
async function dump(place: Place, directory: string): Promise<void> {
  const pages = { 'config_dump?include_eds': 'config.json', clusters: 'clusters.txt', certs: 'certs.json' };
  for (const [page, name] of Object.entries(pages))
    await writeFile(
      `${directory}/${place.name}.${name}`,
      await place.sh('curl -s "$1"', `http://127.0.0.1:15000/${page}`),
    );
}
