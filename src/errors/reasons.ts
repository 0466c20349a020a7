/**
 * Why a run can end other than well. A reason is a stable word: it stands in the error screen, in `--output json`
 * and as a row of docs/troubleshooting.md. The exit code says whose turn it is.
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
  [EXIT.done, 'done'],
  [EXIT.bug, 'a bug in istio-vms'],
  [EXIT.usage, 'wrong usage, or a step was asked for before what it needs'],
  [EXIT.configuration, 'the configuration is wrong; nothing was touched'],
  [EXIT.toolMissing, 'a tool is missing or too old'],
  [EXIT.toolFailed, 'a tool failed'],
  [EXIT.gaveUpWaiting, 'gave up waiting'],
  [EXIT.verifyFailed, 'verify found something wrong'],
  [EXIT.interrupted, 'interrupted'],
];

/** Every reason with its exit code. Add one only when a person would act differently on it. */
export const REASONS = {
  'internal-error': EXIT.bug,
  'wrong-usage': EXIT.usage,
  'step-too-early': EXIT.usage,
  'bad-configuration': EXIT.configuration,
  'tool-missing': EXIT.toolMissing,
  'tool-too-old': EXIT.toolMissing,
  'engine-not-answering': EXIT.toolMissing,
  'tool-failed': EXIT.toolFailed,
  'step-had-no-effect': EXIT.toolFailed,
  'foreign-machine': EXIT.toolFailed,
  'machine-broken': EXIT.toolFailed,
  'download-failed': EXIT.toolFailed,
  'digest-mismatch': EXIT.toolFailed,
  'artifact-absent': EXIT.toolFailed,
  'port-clash': EXIT.toolFailed,
  'api-unreachable': EXIT.toolFailed,
  'guest-failed': EXIT.toolFailed,
  'wrong-architecture': EXIT.toolFailed,
  'disk-full': EXIT.toolFailed,
  'permission-denied': EXIT.toolFailed,
  'frozen-session': EXIT.gaveUpWaiting,
  'gave-up-waiting': EXIT.gaveUpWaiting,
  'verify-failed': EXIT.verifyFailed,
  interrupted: EXIT.interrupted,
} as const satisfies Record<string, ExitCode>;

export type Reason = keyof typeof REASONS;
