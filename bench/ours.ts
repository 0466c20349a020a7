import { planAndRun } from '../src/commands/run-plan.ts';
import type { Session } from '../src/commands/command.ts';
import { loadConfig } from '../src/config/load.ts';
import { closure } from '../src/plan/graph.ts';
import type { Goal } from '../src/plan/plan.ts';
import type { RunReport } from '../src/plan/report.ts';
import { createRehearsal, type Rehearsal, type TranscriptEntry } from '../src/rehearsal/index.ts';
import type { Lab } from '../src/steps/lab.ts';
import { createLab } from '../src/steps/create-lab.ts';
import { allSteps, labSteps, stepsOf } from '../src/steps/steps.ts';
import type { Host } from '../src/system/system.ts';
import { createMask } from '../src/system/mask.ts';
import type { ShippedData } from '../src/system/shipped.ts';
import { untilTraffic } from './traffic.ts';

/** The result of one run of istio-vms. */
export interface RunResult {
  readonly report: RunReport;
  readonly commands: readonly TranscriptEntry[];
}

/** A simulated world in which commands of istio-vms run, each without the cached state of earlier ones. */
export function ourWorld(host: Host, shipped: ShippedData, set: Readonly<Record<string, string>> = {}) {
  const rehearsal = createRehearsal({ host, shipped });
  const { config } = loadConfig({ host, versions: shipped.versions, flags: set });
  const lab = (): Lab =>
    createLab({
      config,
      host,
      shipped,
      system: rehearsal.system,
      mask: createMask(),
      options: { fixCa: true, fixPilot: true },
    });
  return {
    /** Simulated milliseconds from the start of `up` until traffic flows both ways. */
    upTime: async () => {
      const from = rehearsal.world.clock.now();
      await run(rehearsal, lab(), (steps) => ({ kind: 'apply', targets: steps.up }));
      await rehearsal.drive(() => untilTraffic(rehearsal, config));
      return rehearsal.world.clock.now() - from;
    },
    up: () => run(rehearsal, lab(), (steps) => ({ kind: 'apply', targets: steps.up })),
    /** Applies all prerequisites of `bootstrap`, but not `bootstrap` itself. */
    beforeBootstrap: () =>
      run(rehearsal, lab(), ({ bootstrap, needed }) => ({
        kind: 'apply',
        targets: needed.filter((id) => !bootstrap.includes(id)),
      })),
    bootstrap: () => run(rehearsal, lab(), ({ bootstrap }) => ({ kind: 'apply', targets: bootstrap })),
  };
}

interface Ids {
  readonly up: readonly string[];
  readonly bootstrap: readonly string[];
  /** `bootstrap` and what it needs. */
  readonly needed: readonly string[];
}

async function run(rehearsal: Rehearsal, lab: Lab, goal: (ids: Ids) => Goal): Promise<RunResult> {
  const steps = allSteps(lab);
  const bootstrap = stepsOf('bootstrap', steps);
  const ids = { up: labSteps(lab).map(({ id }) => id), bootstrap, needed: [...closure(steps, bootstrap)] };
  const before = rehearsal.transcript.length;
  // Only the parts of a session that planAndRun uses.
  const session = {
    app: { lab },
    signal: new AbortController().signal,
    reporter: { event: () => undefined },
  } as unknown as Session;
  const report = await rehearsal.drive(() => planAndRun(session, steps, goal(ids)));
  if (report.error !== undefined) throw report.error;
  return { report, commands: rehearsal.transcript.slice(before) };
}
