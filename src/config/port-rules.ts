import { repeated, type RuleContext, type Violation } from './rule.ts';

const OUTSIDE = ['EWG_PORT_STATUS', 'EWG_PORT_TLS_ISTIOD', 'EWG_PORT_TLS_WEBHOOK'] as const;

const INSIDE = ['DEFAULT_PORT_STATUS', 'DEFAULT_PORT_TLS_ISTIOD', 'DEFAULT_PORT_TLS_WEBHOOK'] as const;

const K3S = 'k3s listens there on every node';

/**
 * k3s's ServiceLB takes each external port on every node ahead of local listeners, 127.0.0.1 included, so a program
 * that already listens there would lose it (docs/facts/istio-vm.md 3.4, docs/facts/k3s.md 4.3, 10). etcd's ports are
 * free, because k3s uses SQLite here.
 */
const TAKEN_OUTSIDE: Readonly<Record<string, string>> = {
  '22': 'the ssh server of the nodes listens there',
  '53': 'the resolver of the nodes listens there',
  '80': 'the default ingress gateway uses it',
  '443': 'the default ingress gateway uses it',
  '6443': 'the API server of k3s listens there',
  '6444': K3S,
  '10010': K3S,
  '10248': K3S,
  '10249': K3S,
  '10250': 'the kubelet listens there',
  '10256': K3S,
  '10257': K3S,
  '10258': K3S,
  '10259': K3S,
  '15021': 'it is the status port of the default ingress gateway, and the address would stay pending',
  '15443': 'the east-west gateway itself uses it between networks',
};

/** Ports that the proxy in the gateway's pod itself listens on: a second listener there is rejected. */
const TAKEN_INSIDE: Readonly<Record<string, string>> = {
  '15000': 'the proxy of the gateway listens there',
  '15004': 'the proxy of the gateway listens there',
  '15020': 'the proxy of the gateway listens there',
  '15021': 'it is the status port of the gateway',
  '15090': 'the proxy of the gateway listens there',
  '15443': 'the east-west gateway itself uses it between networks',
};

/**
 * istiod creates no listener below this port for a gateway whose pod runs unprivileged (`IsUnprivileged`,
 * core/gateway.go).
 */
const FIRST_UNPRIVILEGED = 1024;

/** Ports in use on the VM: ssh, the resolver, and those of the sidecar. Istio's iptables rules exclude 15008. */
const TAKEN_ON_VM = '22 53 15000 15001 15004 15006 15008 15020 15021 15053 15090 15443'.split(' ');

export function outsidePortsAreFree({ values }: RuleContext): readonly Violation[] {
  return OUTSIDE.flatMap((name) => {
    const port = values[name];
    const owner = port === undefined ? undefined : TAKEN_OUTSIDE[port];
    return owner === undefined ? [] : [{ name, allowed: `a port other than ${port ?? ''}: ${owner}` }];
  });
}

export function insidePortsAreFree({ values }: RuleContext): readonly Violation[] {
  return INSIDE.flatMap((name) => {
    const port = values[name];
    if (port === undefined) return [];
    const isStatus = name === 'DEFAULT_PORT_STATUS';
    if (!isStatus && Number(port) < FIRST_UNPRIVILEGED) {
      return [{ name, allowed: `a port from ${FIRST_UNPRIVILEGED}: the gateway runs without privileges` }];
    }
    const owner = isStatus && port === '15021' ? undefined : TAKEN_INSIDE[port];
    return owner === undefined ? [] : [{ name, allowed: `a port other than ${port}: ${owner}` }];
  });
}

export function appPortIsFree({ values }: RuleContext): readonly Violation[] {
  const port = values.VM_APP_PORT;
  if (port === undefined || !TAKEN_ON_VM.includes(port)) return [];
  return [
    {
      name: 'VM_APP_PORT',
      allowed: `a port other than ${TAKEN_ON_VM.join(', ')}: ssh, the resolver and the sidecar use these`,
    },
  ];
}

export function portsDiffer(context: RuleContext): readonly Violation[] {
  return [OUTSIDE, INSIDE].flatMap((group) => repeated(group, (name) => context.values[name], context));
}
