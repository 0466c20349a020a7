/** Faults that only Multipass can have. */
export const MULTIPASS_FAULTS = [
  {
    name: 'launch-timeout-lies',
    engine: 'multipass',
    what: 'The first `multipass launch` says that it timed out, although its machine comes up.',
  },
  {
    name: 'session-hung',
    engine: 'multipass',
    what: 'The session that starts the sidecar hangs when the traffic rules are loaded.',
  },
  {
    name: 'launch-client-timeout',
    engine: 'multipass',
    what: 'The first `multipass launch` ends with its time-out, and its machine comes up later.',
  },
  {
    name: 'address-gone',
    engine: 'multipass',
    what: "The Multipass daemon loses the workload VM's address, and says N/A for a while.",
  },
] as const;
