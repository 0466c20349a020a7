import type { RuleContext, Violation } from './rule.ts';

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
  return prefix.length <= longest
    ? []
    : [
        {
          name: 'NODE_PREFIX',
          allowed: `at most ${longest} characters, so that the names of the workers have at most 63`,
        },
      ];
}

/** The workload's namespace is made and deleted by us; one that others live in must not be. */
export function namespacesAreOurs({ values }: RuleContext): readonly Violation[] {
  const violations: Violation[] = NAMESPACES.filter((name) =>
    /^(kube-.*|sample|istio-vms-plain)$/.test(values[name] ?? ''),
  ).map((name) => ({ name, allowed: 'any namespace but kube-*, sample and istio-vms-plain, which others use' }));
  if (values.VM_NAMESPACE !== undefined && values.VM_NAMESPACE === values.ISTIO_NAMESPACE) {
    violations.push({ name: 'VM_NAMESPACE', allowed: 'a namespace of its own, other than ISTIO_NAMESPACE' });
  }
  if (values.VM_NAMESPACE === 'default') {
    violations.push({ name: 'VM_NAMESPACE', allowed: 'a namespace of its own: `default` cannot be deleted' });
  }
  return violations;
}

/** With the same name the VM would be taken to reach pods directly (facts/istio-vm.md 3.6). */
export function networksDiffer({ values }: RuleContext): readonly Violation[] {
  if (values.VM_NETWORK === undefined || values.VM_NETWORK !== values.CLUSTER_NETWORK) return [];
  return [{ name: 'VM_NETWORK', allowed: 'another name than CLUSTER_NETWORK' }];
}
