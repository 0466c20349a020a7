import { meshSettings } from '../kube/overlay/overlay.ts';
import { workloadObjects, workloadGroup } from '../kube/manifests/workload.ts';
import { toYaml } from '../kube/manifests/manifest.ts';
import { ofKind } from '../kube/object.ts';
import { describeWorkloadFiles, fixWorkloadFiles, istiodAddress, type WorkloadFiles } from '../guest/workload-files.ts';
import { CliError } from '../errors/cli-error.ts';
import type { Finding, StepContext } from '../plan/step.ts';
import { waitUntil } from '../plan/wait.ts';
import { sha256 } from '../system/digest.ts';
import { applyObjects } from './apply.ts';
import { compareObjects, requireClusterSnapshot, clusterSnapshot } from './cluster-snapshot.ts';
import { expectedGatewayAddress } from './eastwest.ts';
import { overlayText } from './istio.ts';
import type { WorkloadLab } from './workload-lab.ts';
import type { LabStep } from './lab-step.ts';

const ROOT_CERT_MS = 120_000;

/** File with the digest of what the files beside it were generated from. */
const SOURCES_FILE = 'made-from';

/** istioctl's names of the five files. */
const FILE_NAMES: Readonly<Record<keyof WorkloadFiles, string>> = {
  clusterEnv: 'cluster.env',
  meshYaml: 'mesh.yaml',
  rootCert: 'root-cert.pem',
  token: 'istio-token',
  hosts: 'hosts',
};

/** Namespace, service account, WorkloadGroup, and the five files with which the VM joins the mesh. */
export function workloadStep(lab: WorkloadLab): LabStep {
  const { config } = lab;
  return {
    id: `workload${lab.suffix}`,
    title: `workload group ${lab.workload.app} and its files`,
    // Not the gateway: its address is the first worker's, which is known earlier (docs/facts/figures.md 2).
    needs: ['istio', `vm${lab.suffix}`, 'k3s-agent-1'],
    command: 'workload',
    tools: ['machines', 'kubectl'],
    expectMs: 6_000,

    async check(context): Promise<Finding> {
      const view = await clusterSnapshot(lab, context);
      const objects = compareObjects(view, workloadObjects(config, lab.workload));
      if (objects !== 'ready') return objects;
      const files = await readWorkloadFiles(lab);
      if (files === undefined) return { missing: `no complete set of files in ${lab.workloadFiles}` };
      if ((await lab.system.files.stat(incompleteFiles(lab))) !== undefined)
        return { drifted: 'an interrupted run left a token behind' };
      const open = await tooOpenFile(lab);
      if (open !== undefined) return { drifted: `${open} is readable by others` };
      const is = describeWorkloadFiles(files);
      const account = `${lab.workload.namespace}/${lab.workload.serviceAccount}`;
      if (is.serviceAccount !== account) return { drifted: `the token is not for the service account ${account}` };
      if (files.rootCert.trim() !== (await rootCertificate(lab, context))?.trim()) {
        return { drifted: 'the root certificate is not the one of this control plane' };
      }
      // The files depend on the group and the control plane, and both may have changed since.
      if ((await recordedSources(lab)) !== (await sourcesDigest(lab)))
        return { drifted: 'the files were made from another workload group or control plane' };
      const gateway = expectedGatewayAddress(lab, view);
      if (is.gatewayAddress !== gateway)
        return { drifted: `hosts names ${is.gatewayAddress ?? 'nothing'}, the gateway is at ${gateway ?? '?'}` };
      const vm = (await lab.machines.find(lab.workload.name, context))?.addresses[0];
      if (is.vmAddress !== vm)
        return { drifted: `the files are for ${is.vmAddress ?? 'no address'}, the VM is at ${vm ?? '?'}` };
      const wanted = istiodAddress(config);
      if (lab.options.fixCa && is.caAddress !== wanted) return { drifted: `CA_ADDR is ${is.caAddress ?? 'absent'}` };
      if (lab.options.fixPilot && is.pilotAddress !== wanted)
        return { drifted: `PILOT_ADDRESS is ${is.pilotAddress ?? 'absent'}` };
      return 'ready';
    },

    async apply(context) {
      const gatewayAddress = await gatewayAddressOf(lab, context);
      await applyObjects(lab, context, workloadObjects(config, lab.workload));
      await waitForRootCertificate(lab, context);
      await configureWorkload(lab, context, gatewayAddress);
    },
  };
}

/** The gateway's address for the VM. @throws CliError `prerequisite-missing` while no node has an address */
export async function gatewayAddressOf(lab: WorkloadLab, context: StepContext): Promise<string> {
  const address = expectedGatewayAddress(lab, await requireClusterSnapshot(lab, context));
  if (address !== undefined) return address;
  throw new CliError('prerequisite-missing', {
    message: 'No node has an address that the gateway could use.',
    hint: 'Run `istio-vms k3s` first.',
  });
}

/** Gets the files and a new token from istioctl, fixes what istioctl cannot know, and stores them with 0600 in 0700. */
export async function configureWorkload(lab: WorkloadLab, context: StepContext, gatewayAddress: string): Promise<void> {
  const { config, system } = lab;
  const vmAddress = await lab.engine.machine(lab.workload.name).address(context);
  const groupFile = `${config.paths.manifests}/workload-group${lab.suffix}.yaml`;
  await system.files.write(groupFile, toYaml([workloadGroup(config, lab.workload)]), 0o644);

  // istioctl makes the token readable for all users (docs/facts/istio-vm.md 4.2), so it writes into a private
  // directory.
  const raw = incompleteFiles(lab);
  await system.files.remove(raw);
  await system.files.makeDirectory(raw, 0o700);
  try {
    context.say('istioctl x workload entry configure');
    const request = { groupFile, outputDir: raw, ingressIp: gatewayAddress, internalIp: vmAddress };
    await lab.istioctl.configureWorkload(request, context);
    const written = await readWorkloadFilesIn(lab, raw);
    if (written === undefined) {
      throw new CliError('tool-failed', {
        message: `istioctl reported success, but not all five files are in ${raw}.`,
        hint: 'Re-run the same command.',
      });
    }
    lab.mask.add(written.token.trim());
    const { files: fixed, problems } = fixWorkloadFiles(written, config, {
      ...lab.options,
      gatewayAddress,
      vmAddress,
      workload: lab.workload,
    });
    if (problems.length > 0) {
      throw new CliError('tool-failed', {
        message: 'istioctl wrote workload files that the VM could not use.',
        details: problems,
        hint: 'Run `istio-vms workload` again; if it persists, look at the WorkloadGroup and the mesh configuration.',
      });
    }
    for (const [key, name] of Object.entries(FILE_NAMES)) {
      await system.files.write(`${raw}/${name}`, fixed[key as keyof WorkloadFiles], 0o600);
    }
    await system.files.write(`${raw}/${SOURCES_FILE}`, `${await sourcesDigest(lab)}\n`, 0o600);
    // Replaces all files at once: files of two runs would not fit together, and nothing would report it.
    await system.files.remove(lab.workloadFiles);
    await system.files.rename(raw, lab.workloadFiles);
  } finally {
    await system.files.remove(raw);
  }
}

/** Deletes the files, and new ones that an interrupted run left: both contain a token. */
export async function removeWorkloadFiles(lab: WorkloadLab): Promise<void> {
  await lab.system.files.remove(incompleteFiles(lab));
  await lab.system.files.remove(lab.workloadFiles);
}

/** Where the new files are written until all of them are valid. */
function incompleteFiles(lab: WorkloadLab): string {
  return `${lab.workloadFiles}.new`;
}

/** Digest of istioctl's inputs for the files: the group, the control plane's names, and the mesh configuration. */
async function sourcesDigest(lab: WorkloadLab): Promise<string> {
  const { cluster, meshId, namespace, revision } = lab.config.istio;
  const mesh = meshSettings(await overlayText(lab));
  const sources = [toYaml([workloadGroup(lab.config, lab.workload)]), cluster, meshId, namespace, revision, mesh];
  return sha256(sources.join('\n---\n'));
}

async function recordedSources(lab: WorkloadLab): Promise<string | undefined> {
  return (await lab.system.files.readText(`${lab.workloadFiles}/${SOURCES_FILE}`))?.trim();
}

/** The five files on this computer; undefined when one is missing. */
export async function readWorkloadFiles(lab: WorkloadLab): Promise<WorkloadFiles | undefined> {
  return readWorkloadFilesIn(lab, lab.workloadFiles);
}

async function readWorkloadFilesIn(lab: WorkloadLab, directory: string): Promise<WorkloadFiles | undefined> {
  const entries = await Promise.all(
    Object.entries(FILE_NAMES).map(async ([key, name]) => [
      key,
      await lab.system.files.readText(`${directory}/${name}`),
    ]),
  );
  if (entries.some(([, text]) => text === undefined)) return undefined;
  const files = Object.fromEntries(entries) as unknown as WorkloadFiles;
  lab.mask.add(files.token.trim());
  return files;
}

/** The first of the files, or their directory, that other users have access to. */
async function tooOpenFile(lab: WorkloadLab): Promise<string | undefined> {
  const directory = lab.workloadFiles;
  for (const path of [directory, ...Object.values(FILE_NAMES).map((name) => `${directory}/${name}`)]) {
    const stat = await lab.system.files.stat(path);
    if (stat !== undefined && (stat.mode & 0o077) !== 0) return path;
  }
  return undefined;
}

/** The mesh's root certificate, which istiod writes into the VM's namespace. */
async function rootCertificate(lab: WorkloadLab, context: StepContext): Promise<string | undefined> {
  const where = { name: 'istio-ca-root-cert', namespace: lab.workload.namespace };
  const [map] = ofKind(await lab.kubectl.get('configmaps', where, context), 'ConfigMap');
  return map?.data?.['root-cert.pem'];
}

/** istiod writes the root certificate into a new namespace within seconds; without it `configure` fails. */
async function waitForRootCertificate(lab: WorkloadLab, context: StepContext): Promise<void> {
  const { namespace } = lab.workload;
  await waitUntil({
    clock: lab.system.clock,
    signal: context.signal,
    say: context.say,
    what: `the root certificate in namespace ${namespace}`,
    deadlineMs: ROOT_CERT_MS,
    intervalMs: 1_000,
    hint: `istiod writes it; look at \`kubectl --kubeconfig ${lab.config.paths.kubeconfig} -n ${lab.config.istio.namespace} get pods\`.`,
    probe: async () => {
      return (await rootCertificate(lab, context)) !== undefined
        ? { ready: true }
        : { pending: 'ConfigMap istio-ca-root-cert is not there yet' };
    },
  });
}
