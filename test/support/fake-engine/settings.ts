import { oneOf } from '../../../src/config/syntax.ts';
import type { EngineDefinition } from '../../../src/machines/definition.ts';

/** A third engine in its own folder, as a contributor would add it: no other file of the program names it. */
export const fake = {
  title: 'Fake',
  about: 'tests',
  variables: {
    FAKE_COLOR: {
      default: '',
      derivedFrom: 'LAB_NAME',
      description: 'Color of the machines.',
      syntax: oneOf('red', 'blue'),
    },
  },
  defaultsFrom: ({ LAB_NAME }) => ({ FAKE_COLOR: LAB_NAME === 'warm' ? 'red' : 'blue' }),
  check: ({ WORKLOAD_VM_NAME }) =>
    WORKLOAD_VM_NAME === 'fake' ? [{ name: 'WORKLOAD_VM_NAME', allowed: 'any name but "fake"' }] : [],
  create: ({ settings, names, place }) => {
    const absent = () => Promise.reject(new Error('there is no machine'));
    return {
      name: 'fake',
      probe: () => Promise.resolve({ version: '1.0.0' }),
      list: () => Promise.resolve([]),
      launch: absent,
      start: absent,
      stop: absent,
      remove: () => Promise.resolve(),
      machine: () => {
        throw new Error('there is no machine');
      },
      nameConflictHint: ({ name }) => `run \`fake delete ${name}\``,
      shellHint: (name, command) => `fake sh ${name} ${command}`,
      restartHint: (name) => `fake restart ${name}`,
      issues: [],
      requirement: {
        name: 'fake',
        floor: '2.0.0',
        because: [settings['FAKE_COLOR'], place.lab, ...names.workloads].join(' '),
        install: { darwin: 'brew install fake', linux: 'apt-get install fake' },
      },
    };
  },
} as const satisfies EngineDefinition;
