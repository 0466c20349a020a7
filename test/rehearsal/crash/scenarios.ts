import type { Call } from './program.ts';
import type { Scenario } from './case.ts';
import { BUNDLE, HOST } from './world.ts';

const up: Call = { kind: 'apply' };
const upOnIncus: Call = { kind: 'apply', set: { MACHINE_ENGINE: 'incus' } };
const remove: Call = { kind: 'delete' };
const unpacked: Call = { kind: 'apply', bundle: BUNDLE };
const recreate: Call = { kind: 'recreate' };
const reconfigured = (set: Readonly<Record<string, string>>): Scenario => {
  const call: Call = { kind: 'apply', set };
  return {
    name: `up with ${Object.entries(set)
      .map((pair) => pair.join('='))
      .join(' ')}`,
    before: [up],
    call,
    after: [call],
  };
};

/** What people do, each of which may be cut at any moment. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'up', call: up, after: [up] },
  {
    name: 'up, delete',
    call: up,
    after: [remove],
    like: [up, remove],
    // The cache stays, as far as it had come; and what had not been made yet cannot be emptied.
    spares: /host (file )?\/home\/u\/\.cache[/:]|host \/home\/u\/lab\/(\.bin|\.data\/machines\.json): is missing$/,
  },
  {
    name: 'up without a package',
    // The image route, with containers (docs/facts/istio-vm.md 1.5).
    stage: { host: { ...HOST, cpu: 'arm64' }, faults: ['arm64-deb-missing'] },
    call: up,
    after: [up],
  },
  {
    name: 'up --bundle',
    stage: { bundle: true, faults: ['offline'] },
    call: unpacked,
    after: [unpacked],
    children: ['end'],
    // Elsewhere an archive is something on its way; the bundle and the images in it stay.
    spares: /^left behind: host file \/home\/u\/(lab\/lab|\.cache\/.*\/istio-vms-images-(amd64|arm64))\.tar$/,
  },
  { name: 'delete, delete', before: [up], call: remove, after: [remove] },
  { name: 'delete, up', before: [up], call: remove, after: [up], like: [up, remove, up] },
  { name: 'recreate', before: [up], call: recreate, after: [recreate], children: ['end'] },
  { name: 'recreate, up', before: [up], call: recreate, after: [up], like: [up, recreate], children: ['go-on'] },
  reconfigured({ WORKERS: '3' }),
  reconfigured({ WORKERS: '1' }),
  reconfigured({ EWG_PORT_TLS_ISTIOD: '15812', EWG_PORT_STATUS: '15821' }),
  reconfigured({ ISTIO_VERSION: '1.19.10' }),
  reconfigured({ VM_APP_PORT: '8081' }),
];

/** With the other engine: what differs is how machines are made, so a sample of moments is tried (`incus.crash.ts`). */
export const INCUS_SCENARIOS: readonly Scenario[] = [
  { name: 'up on Incus', stage: { engine: 'incus' }, call: upOnIncus, after: [upOnIncus] },
  {
    name: 'up on Incus without kernel modules',
    stage: { engine: 'incus', faults: ['kernel-modules-missing'] },
    call: upOnIncus,
    after: [upOnIncus],
    children: ['end'],
  },
];

export function scenarioNamed(name: string): Scenario {
  const found = [...SCENARIOS, ...INCUS_SCENARIOS].find((scenario) => scenario.name === name);
  if (found === undefined)
    throw new Error(`There is no scenario ${name}: ${SCENARIOS.map((each) => each.name).join(', ')}`);
  return found;
}
