import { quiet } from '../../support/context.ts';
import { afterAll } from 'vitest';
import { planAndRun } from '../../../src/commands/run-plan.ts';
import type { Session } from '../../../src/commands/command.ts';
import type { Config, WorkloadConfig } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { checkSteps, type StepFinding } from '../../../src/plan/check.ts';
import type { RunEvent } from '../../../src/plan/events.ts';
import type { Goal } from '../../../src/plan/plan.ts';
import type { RunReport } from '../../../src/plan/report.ts';
import {
  createRehearsal,
  type Rehearsal,
  type RehearsalOptions,
  type TranscriptEntry,
} from '../../../src/rehearsal/index.ts';
import type { SimulatedCluster } from '../../../src/rehearsal/cluster/index.ts';
import type { Instance } from '../../../src/rehearsal/world.ts';
import { SHIM } from '../../../src/machines/multipass/argv.ts';
import type { Lab, LabOptions } from '../../../src/steps/lab.ts';
import { createLab } from '../../../src/steps/create-lab.ts';
import type { StepCommand } from '../../../src/steps/lab-step.ts';
import { allSteps, labSteps, stepsOf } from '../../../src/steps/steps.ts';
import type { Host } from '../../../src/system/system.ts';
import { createMask } from '../../../src/system/mask.ts';
import { loadShippedData, type ShippedData } from '../../../src/system/shipped.ts';
import { createRunLog, loggingProcesses } from '../../../src/ui/log.ts';
import { checksOf, chooseChecks } from '../../../src/verify/checks.ts';
import type { CheckResult } from '../../../src/verify/check.ts';
import { verify as runVerify } from '../../../src/verify/verify.ts';
import { listening, type Answer } from '../../support/command-forms.ts';

export const shipped: ShippedData = await loadShippedData();

export const LINUX: Host = { platform: 'linux', cpu: 'amd64', cwd: '/home/u/lab', home: '/home/u', env: {} };
export const MAC: Host = { platform: 'darwin', cpu: 'arm64', cwd: '/Users/u/lab', home: '/Users/u', env: {} };

export interface SimulatedOptions extends Partial<Omit<RehearsalOptions, 'shipped'>> {
  /** Variables of the configuration, as `--set` gives them. */
  readonly set?: Readonly<Record<string, string>>;
  /** Workload VMs besides the one that the variables describe. */
  readonly moreWorkloads?: readonly WorkloadConfig[];
  /** Called with every command and its result. */
  readonly onAnswer?: (answer: Answer) => void;
}

/** The result of one run of the program, and the commands that it ran. */
export interface RunResult {
  readonly report: RunReport;
  readonly commands: readonly TranscriptEntry[];
  /** Commands with effect `write`, as `file verb…` lines. */
  readonly writes: readonly string[];
  readonly reads: readonly string[];
  /** All progress messages, as `step: text`. */
  readonly messages: readonly string[];
  /** The log file of this run. */
  readonly log: string;
  /** Ids of the steps that changed something. */
  readonly changed: readonly string[];
}

export interface RunOptions {
  /** Other values of the configuration, for this run only. */
  readonly set?: Readonly<Record<string, string>>;
  readonly options?: Partial<LabOptions>;
  readonly signal?: AbortSignal;
  /** Called with every event, e.g. to interrupt the run at that event. */
  readonly onEvent?: (event: RunEvent) => void;
}

/**
 * One simulated world for many runs of the program, each with new state in memory, as new processes have. Only the
 * system interfaces are simulated.
 */
export function simulated({
  set = {},
  moreWorkloads = [],
  onAnswer = () => undefined,
  ...options
}: SimulatedOptions = {}) {
  // The world simulates the configured engine, as in the program's own rehearsal.
  const { engine, engineSettings } = loadConfig({
    host: options.host ?? LINUX,
    versions: shipped.versions,
    flags: set,
  }).config;
  const rehearsal = createRehearsal({
    host: LINUX,
    engine,
    engineSettings,
    ...options,
    shipped,
  });
  const { world, files, transcript } = rehearsal;
  const { host } = world;
  const configOf = (overrides: Readonly<Record<string, string>> = {}): Config => {
    const { config } = loadConfig({ host, versions: shipped.versions, flags: { ...set, ...overrides } });
    return { ...config, workloads: [...config.workloads, ...moreWorkloads] };
  };
  let runs = 0;

  const fresh = ({ set: overrides, options: labOptions }: RunOptions = {}) => {
    const config = configOf(overrides);
    const { system } = rehearsal;
    const mask = createMask();
    const log = createRunLog({ files, clock: system.clock, path: `/log/${++runs}.log`, mask });
    const logged = { ...system, processes: loggingProcesses(listening(system.processes, onAnswer), log) };
    const lab = createLab({
      config,
      host,
      shipped,
      system: logged,
      mask,
      options: { fixCa: true, fixPilot: true, ...labOptions },
    });
    return { lab, log };
  };

  const run = async (goal: Goal | ((lab: Lab) => Goal), overrides: RunOptions = {}): Promise<RunResult> => {
    const { lab, log } = fresh(overrides);
    const before = transcript.length;
    const messages: string[] = [];
    const event = (occurred: RunEvent): void => {
      if (occurred.type === 'step-said') messages.push(`${occurred.id}: ${occurred.text}`);
      overrides.onEvent?.(occurred);
    };
    const session = {
      app: { lab },
      signal: overrides.signal ?? new AbortController().signal,
      reporter: { event, finish: async () => undefined, abandon: () => undefined },
    } as unknown as Session;
    const resolved = typeof goal === 'function' ? goal(lab) : goal;
    const steps = resolved.targets === 'all' ? labSteps(lab) : allSteps(lab);
    const report = await rehearsal.drive(() => planAndRun(session, steps, resolved));
    await log.flush();
    return {
      report,
      messages,
      log: (await files.readText(log.path)) ?? '',
      ...commandsSince(transcript, before),
      changed: changedIn(report),
    };
  };

  const step = (
    command: StepCommand,
    overrides: RunOptions & { readonly kind?: Goal['kind'] } = {},
  ): Promise<RunResult> =>
    run((lab) => ({ kind: overrides.kind ?? 'apply', targets: stepsOf(command, allSteps(lab)) }), overrides);

  return {
    ...rehearsal,
    config: configOf(),
    configOf,
    lab: (overrides?: RunOptions): Lab => fresh(overrides).lab,
    run,
    up: (overrides?: RunOptions): Promise<RunResult> => run({ kind: 'apply', targets: 'all' }, overrides),
    down: (overrides?: RunOptions): Promise<RunResult> => run({ kind: 'delete', targets: 'all' }, overrides),
    recreate: (overrides?: RunOptions): Promise<RunResult> => run({ kind: 'recreate', targets: 'all' }, overrides),
    step,
    /** Every step and its finding, as `plan` shows them. */
    plan: async (overrides?: RunOptions): Promise<readonly StepFinding[]> => {
      const { lab } = fresh(overrides);
      return rehearsal.drive(() => checkSteps(labSteps(lab), { signal: new AbortController().signal }));
    },
    verify: async (
      names: readonly string[] = [],
      overrides: RunOptions & { strict?: boolean; networkPolicy?: boolean } = {},
    ): Promise<VerifyRun> => {
      const { lab } = fresh(overrides);
      const before = transcript.length;
      const checks = chooseChecks(
        { names, strict: overrides.strict === true, networkPolicy: overrides.networkPolicy === true },
        checksOf(lab.config),
      );
      const context = { signal: overrides.signal ?? new AbortController().signal, say: () => undefined };
      const results = await rehearsal.drive(() => runVerify(lab, checks, context, () => undefined));
      return {
        results,
        failed: results.filter(({ ok }) => !ok).map(({ name }) => name),
        ...commandsSince(transcript, before),
      };
    },
    /** Runs a command as a user does in a shell. @throws CommandError */
    shell: async (line: string, stdin?: string) => {
      const [file = '', ...args] = line.split(' ');
      return rehearsal.drive(() =>
        rehearsal.system.processes.run(
          {
            file,
            args,
            effect: 'write',
            timeoutMs: 3_600_000,
            ...(stdin === undefined ? {} : { stdin }),
          },
          quiet,
        ),
      );
    },
    /** Advances the simulated clock. */
    pass: (ms: number): Promise<void> => world.clock.advance(ms),
    machine: (name: string): Instance => {
      const found = world.engine.instances.get(name);
      if (found === undefined) throw new Error(`there is no machine ${name}`);
      return found;
    },
    get cluster(): SimulatedCluster {
      if (world.cluster === undefined) throw new Error('there is no cluster');
      return world.cluster as SimulatedCluster;
    },
  };
}

export type Simulated = ReturnType<typeof simulated>;

export interface VerifyRun extends Pick<RunResult, 'commands' | 'writes' | 'reads'> {
  readonly results: readonly CheckResult[];
  /** Names of the checks that failed. */
  readonly failed: readonly string[];
}

/** Creates a lab. Each test creates its own, because a simulated world cannot be copied. */
export async function labThatIsUp(options: SimulatedOptions = {}): Promise<Simulated> {
  const lab = simulated(options);
  const { report } = await lab.up();
  if (report.error !== undefined) throw report.error;
  return lab;
}

function commandsSince(
  transcript: Rehearsal['transcript'],
  before: number,
): Pick<RunResult, 'commands' | 'writes' | 'reads'> {
  const commands = transcript.slice(before);
  const lines = (effect: 'read' | 'write'): string[] =>
    commands.filter((entry) => entry.effect === effect).map(commandLine);
  return { commands, writes: lines('write'), reads: lines('read') };
}

/** A command as one short line, without arguments that all commands have. */
export function commandLine({ command: { file, args } }: TranscriptEntry): string {
  const name = file.slice(file.lastIndexOf('/') + 1);
  const words = args
    .map((arg) => (arg.includes('\n') ? '…' : arg))
    .join(' ')
    .replace(/--kubeconfig \S+ --context \S+ --request-timeout=20s /, '')
    .replace(`sh -c ${SHIM} sh `, '')
    .replace(/(?<=^exec -n \S+ -- )\d+ /, '');
  return `${name} ${words}`;
}

function changedIn({ steps }: RunReport): readonly string[] {
  return steps.filter(({ outcome }) => outcome === 'changed').map(({ id }) => id);
}

/** Fails the test file if a simulated program rejected a command in one of the watched worlds. Call it once per file. */
export function refusals(): { readonly watch: <T extends { readonly world: Rehearsal['world'] }>(lab: T) => T } {
  const worlds: Rehearsal['world'][] = [];
  afterAll(() => {
    const refused = worlds.flatMap((world) => world.refused);
    if (refused.length > 0) throw new Error(`commands that the simulated world rejected: ${refused.join('; ')}`);
  });
  return {
    watch: (lab) => {
      worlds.push(lab.world);
      return lab;
    },
  };
}
