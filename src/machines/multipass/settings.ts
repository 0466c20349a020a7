import type { EngineDefinition } from '../definition.ts';
import { createMultipass } from './engine.ts';

export const multipass = {
  title: 'Multipass',
  variables: {},
  check: ({ WORKLOAD_VM_NAME }) =>
    WORKLOAD_VM_NAME === 'primary'
      ? [{ name: 'WORKLOAD_VM_NAME', allowed: 'any name but "primary", which Multipass keeps for itself' }]
      : [],
  create: createMultipass,
} as const satisfies EngineDefinition;
