/** Faults that only Incus can have. */
export const INCUS_FAULTS = [
  {
    name: 'kernel-modules-missing',
    engine: 'incus',
    what: 'The computer that runs Incus cannot load the kernel modules that a container with k3s needs.',
  },
] as const;
