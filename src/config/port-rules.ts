import { repeated, type RuleContext, type Violation } from './rule.ts';

const OUTSIDE = ['EWG_PORT_STATUS', 'EWG_PORT_TLS_ISTIOD', 'EWG_PORT_TLS_WEBHOOK'] as const;

const INSIDE = ['DEFAULT_PORT_STATUS', 'DEFAULT_PORT_TLS_ISTIOD', 'DEFAULT_PORT_TLS_WEBHOOK'] as const;

/** k3s's ServiceLB takes each outside port on every node, so whoever is there already would lose it (facts/istio-vm.md 3.4, k3s.md 4.3, 10). */
const TAKEN_OUTSIDE: Readonly<Record<string, string>> = {
  '22': 'ssh to the nodes goes there',
  '80': 'the default ingress gateway has it',
  '443': 'the default ingress gateway has it',
  '6443': 'the API server of k3s listens there',
  '10250': 'the kubelet listens there',
  '15021': 'it is the status port of the default ingress gateway, and the address would stay pending',
  '15443': 'the east-west gateway itself uses it between networks',
};

/** What a sidecar listens on (or, for 22, the way into the VM). */
const TAKEN_ON_VM = ['22', '15000', '15001', '15004', '15006', '15020', '15021', '15053', '15090', '15443'];

export function outsidePortsAreFree({ values }: RuleContext): readonly Violation[] {
  return OUTSIDE.flatMap((name) => {
    const port = values[name];
    const owner = port === undefined ? undefined : TAKEN_OUTSIDE[port];
    return owner === undefined ? [] : [{ name, allowed: `a port other than ${port ?? ''}: ${owner}` }];
  });
}

export function insidePortsAreFree({ values }: RuleContext): readonly Violation[] {
  return INSIDE.filter((name) => values[name] === '15443').map((name) => ({
    name,
    allowed: 'a port other than 15443: the east-west gateway itself uses it between networks',
  }));
}

export function appPortIsFree({ values }: RuleContext): readonly Violation[] {
  const port = values.VM_APP_PORT;
  if (port === undefined || !TAKEN_ON_VM.includes(port)) return [];
  return [
    { name: 'VM_APP_PORT', allowed: `a port other than ${TAKEN_ON_VM.join(', ')}: ssh and the sidecar have these` },
  ];
}

export function portsDiffer(context: RuleContext): readonly Violation[] {
  return [OUTSIDE, INSIDE].flatMap((group) => repeated(group, (name) => context.values[name], context));
}
