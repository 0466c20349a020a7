import { repeated, type RuleContext, type Violation } from './rule.ts';

const NAMESPACES = ['ISTIO_NAMESPACE', 'VM_NAMESPACE'] as const;

/** `k3s-master` and `k3s-worker-1` ... of the prefix `k3s`. */
export function nodeNames(prefix: string, workers: number): { master: string; workerNames: readonly string[] } {
  const workerNames = Array.from({ length: workers }, (_, index) => `${prefix}-worker-${index + 1}`);
  return { master: `${prefix}-master`, workerNames };
}

export function machineNamesDiffer({ values }: RuleContext): readonly Violation[] {
  const { WORKLOAD_VM_NAME: vm, NODE_PREFIX: prefix, WORKERS: workers } = values;
  if (vm === undefined || prefix === undefined) return [];
  const { master, workerNames } = nodeNames(prefix, Number(workers ?? 0));
  // Host names know no case.
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

/** The workload's namespace is made and deleted by us; one that others live in must not be. */
export function namespacesAreOurs(context: RuleContext): readonly Violation[] {
  const { values } = context;
  const shared = NAMESPACES.filter((name) => /^(kube-.*|default|sample|istio-vms-plain)$/.test(values[name] ?? ''));
  const allowed = 'any namespace but default, kube-*, sample and istio-vms-plain, which others use';
  return [...shared.map((name) => ({ name, allowed })), ...repeated(NAMESPACES, (name) => values[name], context)];
}

/** With the same name the VM would be taken to reach pods directly (docs/facts/istio-vm.md 3.6). */
export function networksDiffer(context: RuleContext): readonly Violation[] {
  return repeated(['CLUSTER_NETWORK', 'VM_NETWORK'], (name) => context.values[name], context);
}
