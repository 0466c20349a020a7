import { repeated, type RuleContext, type Violation } from './rule.ts';

const NAMESPACES = ['ISTIO_NAMESPACE', 'VM_NAMESPACE'] as const;

/** `k3s-master`, `k3s-worker-1` and so on for the prefix `k3s`. */
export function nodeNames(prefix: string, workers: number): { master: string; workerNames: readonly string[] } {
  const workerNames = Array.from({ length: workers }, (_, index) => `${prefix}-worker-${index + 1}`);
  return { master: `${prefix}-master`, workerNames };
}

export function machineNamesDiffer({ values }: RuleContext): readonly Violation[] {
  const { WORKLOAD_VM_NAME: vm, NODE_PREFIX: prefix, WORKERS: workers } = values;
  if (vm === undefined || prefix === undefined) return [];
  const { master, workerNames } = nodeNames(prefix, Number(workers ?? 0));
  // Host names are case-insensitive.
  if (![master, ...workerNames].includes(vm.toLowerCase())) return [];
  return [
    { name: 'WORKLOAD_VM_NAME', allowed: `any name but those of the nodes (${prefix}-master, ${prefix}-worker-N)` },
  ];
}

export function machineNamesAreShortEnough({ values }: RuleContext): readonly Violation[] {
  const { NODE_PREFIX: prefix, WORKERS: workers } = values;
  if (prefix === undefined) return [];
  const longest = 63 - `-worker-${workers ?? ''}`.length;
  if (prefix.length <= longest) return [];
  const allowed = `at most ${longest} characters, so that the names of the workers have at most 63`;
  return [{ name: 'NODE_PREFIX', allowed }];
}

/** istio-vms creates and deletes the workload's namespace, so it must not be one that others use. */
export function namespacesAreOurs(context: RuleContext): readonly Violation[] {
  const { values } = context;
  const shared = NAMESPACES.filter((name) => /^(kube-.*|default|sample|istio-vms-plain)$/.test(values[name] ?? ''));
  const allowed = 'any namespace but default, kube-*, sample and istio-vms-plain, which others use';
  return [...shared.map((name) => ({ name, allowed })), ...repeated(NAMESPACES, (name) => values[name], context)];
}

/** With equal network names, istiod would assume that the VM reaches pods directly (docs/facts/istio-vm.md 3.6). */
export function networksDiffer(context: RuleContext): readonly Violation[] {
  return repeated(['CLUSTER_NETWORK', 'VM_NETWORK'], (name) => context.values[name], context);
}
