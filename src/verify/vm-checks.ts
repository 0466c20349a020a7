import { dnsCommand, parseDnsAnswer } from '../guest/dns.ts';
import { certificatesCommand, parseIdentities } from '../guest/certificates.ts';
import { describeWorkloadFiles, istiodAddress, istiodHost } from '../guest/workload-files.ts';
import { findObject, viewCluster } from '../steps/cluster.ts';
import { expectedGatewayAddress } from '../steps/eastwest.ts';
import type { Lab } from '../steps/lab.ts';
import { readWorkloadFiles } from '../steps/workload.ts';
import type { KubeObject } from '../tools/kube-object.ts';
import { fail, pass, type Check } from './check.ts';
import { clusterIpOf } from './cluster-checks.ts';
import { patiently } from './patience.ts';
import { onVm } from './vm.ts';

export const workloadFiles: Check = {
  name: 'workload-files',
  title: 'the workload files name the gateway and the right CA address',
  async run(lab) {
    const files = await readWorkloadFiles(lab);
    if (files === undefined) return fail(`no complete set in ${lab.config.paths.workloadFiles}`, 'istio-vms workload');
    const { gatewayAddress, caAddress } = describeWorkloadFiles(files);
    const gateway = expectedGatewayAddress(lab, await viewCluster(lab));
    const wanted = istiodAddress(lab.config);
    const evidence = `hosts: ${gatewayAddress ?? 'empty'}; CA_ADDR: ${caAddress ?? 'none'}`;
    return gatewayAddress !== undefined && gatewayAddress === gateway && caAddress === wanted
      ? pass(evidence)
      : fail(`${evidence}; the gateway is at ${gateway ?? 'no address'}, the CA at ${wanted}`, 'istio-vms workload');
  },
};

export const sidecar: Check = {
  name: 'sidecar',
  title: 'the sidecar on the VM is ready',
  run: (lab, context) =>
    patiently(lab, context, async () => {
      const state = await lab.workloadVm.state();
      if (state === undefined) return fail(`${lab.config.vm.name} is not running`, 'istio-vms vm');
      const evidence = `version ${state.sidecar.version ?? 'none'}, ${state.sidecar.enabled === true ? 'starts' : 'does not start'} at boot, ${state.sidecar.active}, ${
        state.sidecar.ready ? 'ready' : 'not ready'
      }`;
      const ok = state.sidecar.ready && state.sidecar.active === 'active' && state.sidecar.enabled === true;
      return ok ? pass(evidence) : fail(evidence, 'istio-vms bootstrap');
    }),
};

export const dns: Check = {
  name: 'dns',
  title: "DNS on the VM answers istiod's Service with its cluster address",
  run: (lab, context) =>
    patiently(lab, context, async () => {
      const { revision, namespace } = lab.config.istio;
      const wanted = clusterIpOf(findObject(await viewCluster(lab), 'Service', `istiod-${revision}`, namespace));
      const name = istiodHost(lab.config);
      const answer = await onVm(lab, (machine) => machine.run(dnsCommand(lab.shipped, name)));
      if (typeof answer === 'string') return fail(answer, 'istio-vms bootstrap');
      const addresses = parseDnsAnswer(answer.stdout);
      const evidence = `${name} → ${addresses.join(', ') || 'nothing'}`;
      return wanted !== undefined && addresses.includes(wanted)
        ? pass(evidence)
        : fail(`${evidence}, wanted ${wanted ?? 'the Service, which is not there'}`, 'istio-vms bootstrap');
    }),
};

export const identity: Check = {
  name: 'identity',
  title: "the VM's certificate carries its service account",
  run: (lab, context) =>
    patiently(lab, context, async () => {
      const { namespace, serviceAccount } = lab.config.vm;
      const answer = await onVm(lab, (machine) => machine.run(certificatesCommand()));
      if (typeof answer === 'string') return fail(answer, 'istio-vms bootstrap');
      const certificate = parseIdentities(answer.stdout)[0];
      if (certificate === undefined) return fail('Envoy has no certificate', 'istio-vms bootstrap');
      const right = certificate.uri.endsWith(`/ns/${namespace}/sa/${serviceAccount}`);
      const evidence = `${certificate.uri}, until ${certificate.expires}`;
      return right ? pass(evidence) : fail(evidence, 'istio-vms workload && istio-vms bootstrap');
    }),
};

export const registration: Check = {
  name: 'registration',
  title: 'the VM is registered with its address and network',
  run: (lab, context) =>
    patiently(lab, context, async () => {
      // What was seen already may be older than the registration; only what is right in it is believed.
      const address = (await lab.machines.find(lab.config.vm.name))?.addresses[0];
      const isRight = (seen: KubeObject | undefined): boolean => {
        const spec = seen?.['spec'] as { address?: string; network?: string } | undefined;
        const fits = spec?.address === address && spec?.network === lab.config.networks.vm;
        return seen !== undefined && fits && disconnectedAt(seen) === undefined;
      };
      const known = entryIn(lab, (await viewCluster(lab)).objects, address);
      const entry = isRight(known) ? known : await findEntry(lab);
      if (entry === undefined) return fail('no WorkloadEntry', 'istio-vms bootstrap');
      const spec = entry['spec'] as { address?: string; network?: string };
      const gone = disconnectedAt(entry);
      const evidence = `${entry.metadata.name}: ${spec.address ?? 'no address'} on ${spec.network ?? 'no network'}`;
      if (gone !== undefined) return fail(`${evidence}, disconnected since ${gone}`, 'istio-vms bootstrap');
      return isRight(entry)
        ? pass(evidence)
        : fail(
            `${evidence}; wanted ${address ?? 'an address'} on ${lab.config.networks.vm}`,
            'istio-vms workload && istio-vms bootstrap',
          );
    }),
};

/** The entry that istiod made for the VM; read anew each time. */
export async function findEntry(lab: Lab): Promise<KubeObject | undefined> {
  const { app, namespace, name } = lab.config.vm;
  const entries = await lab.kubectl.get('workloadentries.networking.istio.io', { namespace, selector: `app=${app}` });
  return entryIn(lab, entries, (await lab.machines.find(name))?.addresses[0]);
}

/**
 * The VM's entry among objects: the one with its address, else one that is connected. A former machine's may stay for
 * minutes after it went without a word (facts/istio-vm.md 6.1).
 */
function entryIn(lab: Lab, objects: readonly KubeObject[], address: string | undefined): KubeObject | undefined {
  const { app, namespace } = lab.config.vm;
  const entries = objects.filter(
    ({ kind, metadata }) =>
      kind === 'WorkloadEntry' && metadata.namespace === namespace && metadata.labels?.['app'] === app,
  );
  const connected = entries.filter((entry) => disconnectedAt(entry) === undefined);
  const own = [...connected, ...entries].find((entry) => (entry['spec'] as { address?: string }).address === address);
  return own ?? connected[0] ?? entries[0];
}

/** When istiod lost the VM; undefined while it is connected. */
function disconnectedAt(entry: KubeObject): string | undefined {
  return entry.metadata.annotations?.['istio.io/disconnectedAt'];
}
