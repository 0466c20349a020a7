import { loadConfig } from '../../../src/config/load.ts';
import type { GuestState } from '../../../src/guest/state.ts';
import type { MachineInfo } from '../../../src/machines/machine.ts';
import type { Lab } from '../../../src/steps/lab.ts';
import { workloadLab, type WorkloadLab } from '../../../src/steps/workload-lab.ts';
import { loadShippedData } from '../../../src/system/shipped.ts';
import type { Host } from '../../../src/system/system.ts';
import type { KubeObject, ObjectOf } from '../../../src/kube/kinds.ts';
import type { Check, CheckContext, Verdict } from '../../../src/verify/check.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { kubeObject } from '../../support/kube.ts';

const HOST: Host = { platform: 'linux', cpu: 'amd64', cwd: '/home/u/lab', home: '/home/u', env: {} };
const shipped = await loadShippedData();
const { versions } = shipped;
export const { config } = loadConfig({ host: HOST, versions });
export const VM = config.workloads[0].name;
export const REVISION = config.istio.revision;
export const NODES = [config.k3s.master, ...config.k3s.workerNames];

/** Time of the lab's clock when a check starts, in milliseconds since 1970. */
export const NOW = Date.UTC(2026, 0, 1);

/** The state of a lab that a check reads. */
export interface View {
  readonly objects?: readonly KubeObject[];
  /** Why the API does not answer. */
  readonly unreachable?: string;
  /** State by machine; a machine that is left out does not exist. Default: all run. */
  readonly machines?: Readonly<Record<string, MachineInfo['state']>>;
  /** The state that the workload VM reports. */
  readonly vm?: GuestState;
  readonly istioctl?: string;
  /** Output of programs on the VM, by a word of the command. */
  readonly onVm?: Readonly<Record<string, string>>;
  /** Texts of files of this computer, by the end of their path; others do not exist. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Functions of kubectl that replace those that return `objects`. */
  readonly kubectl?: Partial<Lab['kubectl']>;
}

/** State of a workload VM whose sidecar and demo workload run. */
export const READY_VM = {
  sidecar: { version: config.istio.version, enabled: true, active: 'active', ready: true, readyCode: 200 },
  demo: { enabled: true, active: 'active' },
  sudo: 'sudo',
} as unknown as GuestState;

const ADDRESSES = new Map([...NODES, VM].map((name, index) => [name, `192.168.64.${index + 2}`]));
export const addressOf = (name: string): string => ADDRESSES.get(name) ?? '';

/** A lab of plain data, without a simulated world and programs. */
function fakeLab(view: View): Lab {
  const states = view.machines ?? Object.fromEntries([...NODES, VM].map((name) => [name, 'running' as const]));
  const machines = Object.entries(states).map(([name, state]) => ({ name, state, addresses: [addressOf(name)] }));
  const objects = view.objects ?? [];
  const nothing = (): void => undefined;
  const run = async ({ file, args }: { file: string; args: readonly string[] }) => {
    const line = [file, ...args].join(' ');
    const known = Object.entries(view.onVm ?? {}).find(([word]) => line.includes(word));
    return { exitCode: 0, stdout: known?.[1] ?? '', stderr: '', durationMs: 1 };
  };
  const readText = async (path: string) => Object.entries(view.texts ?? {}).find(([end]) => path.endsWith(end))?.[1];
  return {
    config,
    shipped,
    system: {
      clock: fakeClock(NOW),
      files: { stat: async () => ({ kind: 'file', mode: 0o600, size: 1 }), readText },
    },
    machines: {
      all: async () => machines,
      find: async (name: string) => machines.find((machine) => machine.name === name),
      forget: nothing,
    },
    kubectl: {
      tryEverything: async () => (view.unreachable === undefined ? { objects } : { unreachable: view.unreachable }),
      get: async () => objects,
      forget: nothing,
      ...view.kubectl,
    },
    mask: { add: nothing },
    istioctl: { version: async () => view.istioctl },
    workloadVm: () => ({ state: async () => view.vm, forget: nothing }),
    engine: {
      machine: () => ({ name: VM, run, address: async () => addressOf(VM) }),
      shellHint: (name: string, command: string) => `${name}: ${command}`,
    },
  } as unknown as Lab;
}

/** The verdict of a check on this state, without waiting. */
export function verdictOf(
  check: Check<WorkloadLab>,
  view: View,
  more: Pick<CheckContext, 'stepDiffers'> = {},
): Promise<Verdict> {
  const context: CheckContext = { signal: new AbortController().signal, say: () => undefined, deadline: 0, ...more };
  return check.run(workloadLab(fakeLab(view), config.workloads[0]), context);
}

/** A Kubernetes object with the given fields. */
export function object<K extends string>(
  kind: K,
  name: string,
  namespace: string | undefined,
  more: { readonly labels?: Readonly<Record<string, string>>; readonly [field: string]: unknown } = {},
): ObjectOf<K> {
  const { labels = {}, ...fields } = more;
  return kubeObject(kind, { name, labels, ...(namespace !== undefined && { namespace }) }, fields);
}

const ready = { conditions: [{ type: 'Ready', status: 'True' }] };

export const node = (name: string, version = config.k3s.version): KubeObject =>
  object('Node', name, undefined, {
    status: {
      ...ready,
      nodeInfo: { kubeletVersion: version },
      addresses: [{ type: 'InternalIP', address: addressOf(name) }],
    },
  });

interface DeploymentOptions {
  readonly wanted?: number;
  readonly available?: number;
  readonly image?: string;
  readonly sidecar?: boolean;
}

/** A Deployment, and a ready pod for each available replica. */
export function deployment(
  name: string,
  namespace: string,
  { wanted = 1, available = wanted, image = 'x:1', sidecar = false }: DeploymentOptions = {},
): readonly KubeObject[] {
  const containers = [{ name, image }, ...(sidecar ? [{ name: 'istio-proxy' }] : [])];
  const pods = Array.from({ length: available }, (_, index) => {
    return object('Pod', `${name}-${index}`, namespace, {
      labels: { app: name },
      spec: { containers, nodeName: NODES[0] },
      status: { phase: 'Running', ...ready },
    });
  });
  return [
    object('Deployment', name, namespace, {
      spec: { replicas: wanted, selector: { matchLabels: { app: name } }, template: { spec: { containers } } },
      status: { replicas: wanted, updatedReplicas: wanted, availableReplicas: available },
    }),
    ...pods,
  ];
}
