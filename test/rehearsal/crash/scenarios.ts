import type { Call } from './program.ts';
import type { Scenario } from './case.ts';
import { BUNDLE, HOST } from './world.ts';

const up: Call = { kind: 'apply' };
const upOnIncus: Call = { kind: 'apply', set: { MACHINE_ENGINE: 'incus' } };
const remove: Call = { kind: 'delete' };
const upFromBundle: Call = { kind: 'apply', bundle: BUNDLE };
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

/** What users run; each run can be killed at any kill point. */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'up', call: up, after: [up] },
  {
    name: 'up, delete',
    call: up,
    after: [remove],
    reference: [up, remove],
    // The killed run may have filled the cache only in part, and may not have created these files yet.
    ignored: /host (file )?\/home\/u\/\.cache[/:]|host \/home\/u\/lab\/(\.bin|\.data\/machines\.json): is missing$/,
  },
  {
    name: 'up without a package',
    // Takes the binaries from the image, with containers (docs/facts/istio-vm.md 1.5).
    worldOptions: { host: { ...HOST, cpu: 'arm64' }, faults: ['arm64-deb-missing'] },
    call: up,
    after: [up],
  },
  {
    name: 'up --bundle',
    worldOptions: { bundle: true, faults: ['offline'] },
    call: upFromBundle,
    after: [upFromBundle],
    children: ['end'],
    // Other archives are temporary; the bundle and its images are kept.
    ignored: /^left behind: host file \/home\/u\/(lab\/lab|\.cache\/.*\/istio-vms-images-(amd64|arm64))\.tar$/,
  },
  { name: 'delete, delete', before: [up], call: remove, after: [remove] },
  { name: 'delete, up', before: [up], call: remove, after: [up], reference: [up, remove, up] },
  { name: 'recreate', before: [up], call: recreate, after: [recreate], children: ['end'] },
  { name: 'recreate, up', before: [up], call: recreate, after: [up], reference: [up, recreate], children: ['go-on'] },
  reconfigured({ WORKERS: '3' }),
  reconfigured({ WORKERS: '1' }),
  reconfigured({ EWG_PORT_TLS_ISTIOD: '15812', EWG_PORT_STATUS: '15821' }),
  reconfigured({ ISTIO_VERSION: '1.19.10' }),
  reconfigured({ VM_APP_PORT: '8081' }),
];

/** With the other engine, only the creation of machines differs, so that `incus.crash.ts` tests a sample of kill points. */
export const INCUS_SCENARIOS: readonly Scenario[] = [
  { name: 'up on Incus', worldOptions: { engine: 'incus' }, call: upOnIncus, after: [upOnIncus] },
  {
    name: 'up on Incus without kernel modules',
    worldOptions: { engine: 'incus', faults: ['kernel-modules-missing'] },
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
