/**
 * Why a run failed or was interrupted. A reason is a stable word: it appears in the error screen, in `--output json`
 * and as a row of docs/troubleshooting.md. The exit code tells who has to act.
 */
export const EXIT = {
  done: 0,
  bug: 1,
  usage: 2,
  configuration: 3,
  toolMissing: 4,
  toolFailed: 5,
  gaveUpWaiting: 6,
  verifyFailed: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each exit code means, for `--help` and docs/commands.md. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.done, 'success'],
  [EXIT.bug, 'internal error: a bug in istio-vms'],
  [EXIT.usage, 'usage error or missing prerequisite'],
  [EXIT.configuration, 'invalid configuration; nothing was changed'],
  [EXIT.toolMissing, 'tool missing or too old'],
  [EXIT.toolFailed, 'tool failed'],
  [EXIT.gaveUpWaiting, 'timed out'],
  [EXIT.verifyFailed, 'verification failed'],
  [EXIT.interrupted, 'interrupted'],
];

/** Every reason with its exit code. Add one only when the user would act differently on it. */
export const REASONS = {
  'internal-error': EXIT.bug,
  'usage-error': EXIT.usage,
  'prerequisite-missing': EXIT.usage,
  'invalid-configuration': EXIT.configuration,
  'tool-missing': EXIT.toolMissing,
  'tool-too-old': EXIT.toolMissing,
  'engine-unavailable': EXIT.toolMissing,
  'tool-failed': EXIT.toolFailed,
  'not-converged': EXIT.toolFailed,
  'foreign-machine': EXIT.toolFailed,
  'machine-failed': EXIT.toolFailed,
  'download-failed': EXIT.toolFailed,
  'digest-mismatch': EXIT.toolFailed,
  'artifact-not-found': EXIT.toolFailed,
  'port-conflict': EXIT.toolFailed,
  'api-unreachable': EXIT.toolFailed,
  'guest-failed': EXIT.toolFailed,
  'wrong-architecture': EXIT.toolFailed,
  'disk-full': EXIT.toolFailed,
  'permission-denied': EXIT.toolFailed,
  'session-hung': EXIT.gaveUpWaiting,
  'timed-out': EXIT.gaveUpWaiting,
  'verify-failed': EXIT.verifyFailed,
  interrupted: EXIT.interrupted,
} as const satisfies Record<string, ExitCode>;

export type Reason = keyof typeof REASONS;
