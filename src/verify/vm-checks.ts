import type { Context } from '../system/system.ts';
import { CliError } from '../errors/cli-error.ts';
import { certificatesCommand, parseIdentities } from '../guest/certificates.ts';
import { dnsCommand, parseDnsAnswer } from '../guest/dns.ts';
import type { GuestState } from '../guest/state.ts';
import { describeWorkloadFiles, istiodAddress, istiodHost } from '../guest/workload-files.ts';
import { findObject } from '../steps/cluster-snapshot.ts';
import { expectedGatewayAddress } from '../steps/eastwest.ts';
import type { WorkloadLab } from '../steps/workload-lab.ts';
import { readWorkloadFiles } from '../steps/workload.ts';
import { CommandError } from '../system/command-error.ts';
import type { KubeObject, WorkloadEntry } from '../kube/kinds.ts';
import { ofKind } from '../kube/object.ts';
import { fail, pass, type CheckContext, type WorkloadCheck } from './check.ts';
import { clusterIpOf, kubectlGetHint } from './cluster-checks.ts';
import { isBooting, withRetry } from './retry.ts';
import { clusterSnapshotFor } from './snapshot.ts';
import { onVm } from './vm.ts';

export const workloadFiles: WorkloadCheck = {
  of: 'workload',
  name: 'workload-files',
  title: 'the workload files name the gateway and the right CA address',
  needs: ['nodes'],
  // `bootstrap`, which uses the files, is included: it renews the token when it starts the sidecar.
  commands: ['workload', 'bootstrap'],
  async run(lab, context) {
    const files = await readWorkloadFiles(lab);
    // The sidecar has its own copies, so it can be checked without these.
    if (files === undefined) return fail(`no complete set in ${lab.workloadFiles}`, { blocks: [] });
    const { gatewayAddress, caAddress, tokenExpires } = describeWorkloadFiles(files);
    const gateway = expectedGatewayAddress(lab, await clusterSnapshotFor(lab, context));
    const wanted = istiodAddress(lab.config);
    const evidence = `hosts: ${gatewayAddress ?? 'empty'}; CA_ADDR: ${caAddress ?? 'none'}`;
    if (gatewayAddress === undefined || gatewayAddress !== gateway || caAddress !== wanted) {
      return fail(`${evidence}; the gateway is at ${gateway ?? 'no address'}, the CA at ${wanted}`, { blocks: [] });
    }
    const now = lab.system.clock.now() / 1000;
    const token = tokenText(tokenExpires, now);
    if (token === undefined) return pass(evidence);
    // After a restart the agent authenticates with the certificate: an expired token matters only without a valid one
    // (docs/facts/istio-vm.md 5.8).
    const state = await stateOf(lab, context);
    // The check sidecar reports a VM that cannot be read.
    if (state === undefined) return pass(`${evidence}; ${token}, the certificate of the VM cannot be read`);
    const certificate = certificateText(state.certExpires, now);
    return certificate === undefined
      ? pass(`${evidence}; ${token}, the certificate of the VM is valid for longer`)
      : fail(`${token}, and ${certificate}: the sidecar cannot authenticate`, {
          look: journal(lab),
          blocks: [],
        });
  },
};

export const sidecar: WorkloadCheck = {
  of: 'workload',
  name: 'sidecar',
  title: 'the sidecar on the VM is ready',
  needs: [],
  explainedBy: ['nodes', 'istiod', 'gateway', 'workload-files'],
  commands: ['bootstrap'],
  run: (lab, context) =>
    withRetry(lab, context, async () => {
      const { name } = lab.workload;
      const found = await lab.machines.find(name, context);
      if (found === undefined) return fail(`there is no machine ${name}`, { certain: true });
      if (isBooting(found)) return fail(`${name} is starting and has no address yet`, { certain: true });
      if (found.state !== 'running') return fail(`${name} is ${found.state}`, { certain: true });
      const state = await lab.vm.state(context);
      if (state === undefined) return fail(`${name} is not running`);
      const { version, enabled, active, ready } = state.sidecar;
      const evidence = `version ${version ?? 'none'}, ${enabled === true ? 'starts' : 'does not start'} at boot, ${active}, ${
        ready ? 'ready' : 'not ready'
      }`;
      // A stopped unit is not caused by the mesh; one that keeps restarting may be waiting for it.
      const own = active === 'inactive' || version === undefined ? { certain: true as const } : {};
      if (!ready || active !== 'active') return fail(evidence, { look: journal(lab), ...own });
      return enabled === true ? pass(evidence) : fail(evidence, { look: journal(lab), blocks: [] });
    }),
};

export const dns: WorkloadCheck = {
  of: 'workload',
  name: 'dns',
  title: "DNS on the VM answers istiod's Service with its cluster address",
  needs: ['nodes', 'sidecar'],
  explainedBy: ['istiod'],
  commands: ['bootstrap'],
  run: (lab, context) =>
    withRetry(lab, context, async () => {
      const { revision, namespace } = lab.config.istio;
      const wanted = clusterIpOf(
        findObject(await clusterSnapshotFor(lab, context), 'Service', `istiod-${revision}`, namespace),
      );
      const name = istiodHost(lab.config);
      const answer = await onVm(lab, (machine) => machine.run(dnsCommand(lab.shipped, name), context), context);
      if (typeof answer === 'string') return fail(answer, { look: journal(lab) });
      const addresses = parseDnsAnswer(answer.stdout);
      const evidence = `${name} → ${addresses.join(', ') || 'nothing'}`;
      return wanted !== undefined && addresses.includes(wanted)
        ? pass(evidence)
        : fail(`${evidence}, expected ${wanted ?? 'the address of the Service, which does not exist'}`, {
            look: journal(lab),
          });
    }),
};

export const identity: WorkloadCheck = {
  of: 'workload',
  name: 'identity',
  title: "the VM's certificate carries its service account",
  needs: ['sidecar'],
  explainedBy: ['workload-files'],
  commands: ['bootstrap'],
  run: (lab, context) =>
    withRetry(lab, context, async () => {
      const { namespace, serviceAccount } = lab.workload;
      const answer = await onVm(lab, (machine) => machine.run(certificatesCommand(), context), context);
      if (typeof answer === 'string') return fail(answer, { look: journal(lab) });
      const certificate = parseIdentities(answer.stdout)[0];
      if (certificate === undefined) return fail('Envoy has no certificate', { look: journal(lab) });
      const right = certificate.uri.endsWith(`/ns/${namespace}/sa/${serviceAccount}`);
      const expired = Date.parse(certificate.expires) <= lab.system.clock.now();
      const evidence = `${certificate.uri}, ${expired ? 'expired' : 'until'} ${certificate.expires}`;
      return right && !expired ? pass(evidence) : fail(evidence, { look: journal(lab) });
    }),
};

export const registration: WorkloadCheck = {
  of: 'workload',
  name: 'registration',
  title: 'the VM is registered with its address and network',
  needs: ['nodes', 'sidecar'],
  explainedBy: ['istiod', 'gateway'],
  commands: ['bootstrap'],
  run: (lab, context) =>
    withRetry(lab, context, async () => {
      // The snapshot may be older than the registration, so it is only used if the entry in it is right.
      const address = (await lab.machines.find(lab.workload.name, context))?.addresses[0];
      const isRight = (seen: WorkloadEntry | undefined): boolean =>
        seen !== undefined &&
        seen.spec?.address === address &&
        seen.spec?.network === lab.config.networks.vm &&
        disconnectedAt(seen) === undefined;
      const known = entryIn(lab, (await clusterSnapshotFor(lab, context)).objects, address);
      const entry = isRight(known) ? known : await findEntry(lab, context);
      const { namespace } = lab.workload;
      const at = { look: kubectlGetHint(lab, namespace, 'workloadgroups,workloadentries') };
      if (entry === undefined) return fail('no WorkloadEntry', at);
      const gone = disconnectedAt(entry);
      const evidence = `${entry.metadata.name}: ${entry.spec?.address ?? 'no address'} on ${entry.spec?.network ?? 'no network'}`;
      if (gone !== undefined) return fail(`${evidence}, disconnected since ${gone}`, at);
      return isRight(entry)
        ? pass(evidence)
        : fail(`${evidence}; expected ${address ?? 'an address'} on ${lab.config.networks.vm}`, { ...at, blocks: [] });
    }),
};

/** A command that shows the sidecar's log. */
function journal(lab: WorkloadLab): string {
  return lab.engine.shellHint(lab.workload.name, 'sudo journalctl --unit istio --lines 40');
}

/** The VM's state; undefined when it cannot be read. */
async function stateOf(lab: WorkloadLab, context: Context): Promise<GuestState | undefined> {
  try {
    return await lab.vm.state(context);
  } catch (error) {
    if (error instanceof CliError || error instanceof CommandError) return undefined;
    throw error;
  }
}

/** The entry of the VM in the last snapshot of the cluster. */
export async function entrySeen(lab: WorkloadLab, context: CheckContext): Promise<WorkloadEntry | undefined> {
  const { objects } = await clusterSnapshotFor(lab, context);
  return entryIn(lab, objects, (await lab.machines.find(lab.workload.name, context))?.addresses[0]);
}

/** The entry that istiod created for the VM; read again each time. */
export async function findEntry(lab: WorkloadLab, context: CheckContext): Promise<WorkloadEntry | undefined> {
  const { app, namespace, name } = lab.workload;
  const entries = await lab.kubectl.get(
    'workloadentries.networking.istio.io',
    { namespace, selector: `app=${app}` },
    context,
  );
  return entryIn(lab, entries, (await lab.machines.find(name, context))?.addresses[0]);
}

/**
 * The VM's entry among the objects: the one with its address, otherwise one that is connected. The entry of a former
 * machine may remain for minutes if the machine did not disconnect cleanly (docs/facts/istio-vm.md 6.1).
 */
function entryIn(
  lab: WorkloadLab,
  objects: readonly KubeObject[],
  address: string | undefined,
): WorkloadEntry | undefined {
  const { app, namespace } = lab.workload;
  const entries = ofKind(objects, 'WorkloadEntry', namespace).filter(
    ({ metadata }) => metadata.labels?.['app'] === app,
  );
  const connected = entries.filter((entry) => disconnectedAt(entry) === undefined);
  const own = [...connected, ...entries].find((entry) => entry.spec?.address === address);
  return own ?? connected[0] ?? entries[0];
}

/** When istiod lost the VM; undefined while it is connected. */
function disconnectedAt(entry: WorkloadEntry): string | undefined {
  return entry.metadata.annotations?.['istio.io/disconnectedAt'];
}

/** Text for an expired token; undefined while it is valid. Times in seconds since 1970. */
export function tokenText(expires: number | undefined, now: number): string | undefined {
  if (expires === undefined) return 'the token cannot be read';
  return expires > now ? undefined : `the token expired at ${iso(expires)}`;
}

/** Text for what is wrong with the certificate; undefined while it is valid. Times in seconds since 1970. */
export function certificateText(expires: number | undefined, now: number): string | undefined {
  if (expires === undefined) return 'the VM has no certificate';
  return expires > now ? undefined : `the certificate of the VM expired at ${iso(expires)}`;
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
