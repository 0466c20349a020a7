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
import type { CheckResult as Proof } from '../../../src/verify/check.ts';
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
  /** Hears every command with its answer. */
  readonly hear?: (answer: Answer) => void;
}

/** What one run of the program came to, and what it ran. */
export interface Ran {
  readonly report: RunReport;
  readonly commands: readonly TranscriptEntry[];
  /** Commands that may have changed the world, as `file verb…` lines. */
  readonly writes: readonly string[];
  readonly reads: readonly string[];
  /** Every sentence that a person saw, a line each: `step: text`. */
  readonly said: readonly string[];
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
  /** Hears every event as it comes, e.g. to interrupt at a moment. */
  readonly onEvent?: (event: RunEvent) => void;
}

/**
 * One simulated world on which the program runs again and again, each time with a new memory, as new processes would.
 * Nothing is mocked below the system interfaces.
 */
export function simulated({ set = {}, moreWorkloads = [], hear = () => undefined, ...options }: SimulatedOptions = {}) {
  // The world is that of the configured engine, as for the program itself.
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
  const configOf = (over: Readonly<Record<string, string>> = {}): Config => {
    const { config } = loadConfig({ host, versions: shipped.versions, flags: { ...set, ...over } });
    return { ...config, workloads: [...config.workloads, ...moreWorkloads] };
  };
  let runs = 0;

  const fresh = ({ set: over, options: labOptions }: RunOptions = {}) => {
    const config = configOf(over);
    const { system } = rehearsal;
    const mask = createMask();
    const log = createRunLog({ files, clock: system.clock, path: `/log/${++runs}.log`, mask });
    const logged = { ...system, processes: loggingProcesses(listening(system.processes, hear), log) };
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

  const run = async (goal: Goal | ((lab: Lab) => Goal), over: RunOptions = {}): Promise<Ran> => {
    const { lab, log } = fresh(over);
    const before = transcript.length;
    const said: string[] = [];
    const event = (happened: RunEvent): void => {
      if (happened.type === 'step-said') said.push(`${happened.id}: ${happened.text}`);
      over.onEvent?.(happened);
    };
    const work = {
      app: { lab },
      signal: over.signal ?? new AbortController().signal,
      reporter: { event, finish: async () => undefined, abandon: () => undefined },
    } as unknown as Session;
    const wanted = typeof goal === 'function' ? goal(lab) : goal;
    const steps = wanted.targets === 'all' ? labSteps(lab) : allSteps(lab);
    const report = await rehearsal.drive(() => planAndRun(work, steps, wanted));
    await log.flush();
    return {
      report,
      said,
      log: (await files.readText(log.path)) ?? '',
      ...commandsSince(transcript, before),
      changed: changedIn(report),
    };
  };

  const step = (command: StepCommand, over: RunOptions & { readonly kind?: Goal['kind'] } = {}): Promise<Ran> =>
    run((lab) => ({ kind: over.kind ?? 'apply', targets: stepsOf(command, allSteps(lab)) }), over);

  return {
    ...rehearsal,
    config: configOf(),
    configOf,
    lab: (over?: RunOptions): Lab => fresh(over).lab,
    run,
    up: (over?: RunOptions): Promise<Ran> => run({ kind: 'apply', targets: 'all' }, over),
    down: (over?: RunOptions): Promise<Ran> => run({ kind: 'delete', targets: 'all' }, over),
    recreate: (over?: RunOptions): Promise<Ran> => run({ kind: 'recreate', targets: 'all' }, over),
    step,
    /** What `plan` would show: every step and its finding. */
    plan: async (over?: RunOptions): Promise<readonly StepFinding[]> => {
      const { lab } = fresh(over);
      return rehearsal.drive(() => checkSteps(labSteps(lab), { signal: new AbortController().signal }));
    },
    verify: async (
      names: readonly string[] = [],
      over: RunOptions & { strict?: boolean; networkPolicy?: boolean } = {},
    ): Promise<VerifyRun> => {
      const { lab } = fresh(over);
      const before = transcript.length;
      const checks = chooseChecks(
        { names, strict: over.strict === true, networkPolicy: over.networkPolicy === true },
        checksOf(lab.config),
      );
      const context = { signal: over.signal ?? new AbortController().signal, say: () => undefined };
      const results = await rehearsal.drive(() => runVerify(lab, checks, context, () => undefined));
      return {
        results,
        red: results.filter(({ ok }) => !ok).map(({ name }) => name),
        ...commandsSince(transcript, before),
      };
    },
    /** A person at a terminal: a command that is none of ours. @throws CommandError */
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
    /** Lets so much time pass. */
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

export interface VerifyRun extends Pick<Ran, 'commands' | 'writes' | 'reads'> {
  readonly results: readonly Proof[];
  /** Names of the checks that failed. */
  readonly red: readonly string[];
}

/** A copy is not to be had of a world; so a lab that is up is made anew for each test that wants one. */
export async function labThatIsUp(options: SimulatedOptions = {}): Promise<Simulated> {
  const it = simulated(options);
  const { report } = await it.up();
  if (report.error !== undefined) throw report.error;
  return it;
}

function commandsSince(
  transcript: Rehearsal['transcript'],
  before: number,
): Pick<Ran, 'commands' | 'writes' | 'reads'> {
  const commands = transcript.slice(before);
  const lines = (effect: 'read' | 'write'): string[] => commands.filter((entry) => entry.effect === effect).map(shown);
  return { commands, writes: lines('write'), reads: lines('read') };
}

/** A command as one short line, without what is the same everywhere. */
export function shown({ command: { file, args } }: TranscriptEntry): string {
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

/** Makes sure that nothing of ours was ever refused by a simulated program: register it once per file. */
export function refusals(): { readonly watch: <T extends { readonly world: Rehearsal['world'] }>(made: T) => T } {
  const worlds: Rehearsal['world'][] = [];
  afterAll(() => {
    const refused = worlds.flatMap((world) => world.refused);
    if (refused.length > 0) throw new Error(`the world refused: ${refused.join('; ')}`);
  });
  return {
    watch: (made) => {
      worlds.push(made.world);
      return made;
    },
  };
}
