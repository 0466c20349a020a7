import { quiet } from '../../support/context.ts';
import { join } from 'node:path';
import type { GuestState } from '../../../src/guest/state.ts';
import { asRoot, type MachineInfo } from '../../../src/machines/machine.ts';
import { waitUntil } from '../../../src/plan/wait.ts';
import type { Lab } from '../../../src/steps/lab.ts';
import { expired } from './expired.ts';
import type { Program, Run } from './program.ts';

/** Input of every stage. All names come from the configuration. */
export interface StageContext {
  readonly lab: Lab;
  readonly program: Program;
  /** `--bundle FILE`, or empty. */
  readonly source: readonly string[];
  /** Machines that existed before the first stage. */
  readonly foreign: readonly MachineInfo[];
  /** Restarts a machine with another address and returns the address; absent if the engine cannot do that. */
  readonly moveMachine?: (name: string) => Promise<string>;
}

export interface Stage {
  readonly id: string;
  readonly title: string;
  /** Returns one sentence of evidence. @throws Error that says what is wrong */
  readonly run: (context: StageContext) => Promise<string>;
  /** Runs after an interrupt, too, since it cleans up. */
  readonly always?: boolean;
  /** Reason why the stage cannot run here. */
  readonly skip?: (context: StageContext) => string | undefined;
}

/** Limit for a reboot of the VM or a restart of the sidecar. */
const BACK_MS = 300_000;
const POLL_MS = 2_000;

/** All stages in their order. */
export const STAGES: readonly Stage[] = [
  {
    id: 'up',
    title: 'up makes the lab and verifies it',
    run: async ({ program, source }) => {
      const run = await succeeds(await program('up', 'up', ...source));
      return `changed ${String(run.data['changed'])} steps; ${checkSummary(run.data['verify'])}`;
    },
  },
  {
    id: 'verify-all',
    title: 'verify --strict --network-policy passes',
    run: (context) => verifies(context, 'verify-all', '--strict', '--network-policy'),
  },
  {
    id: 'up-again',
    title: 'a second up changes nothing',
    run: ({ program, source }) => writesNothing(program, 'up-again', 'up', ...source),
  },
  broken({
    id: 'istiod-at-0',
    title: 'istiod is scaled to 0',
    check: 'istiod',
    expected: /is scaled to 0/,
    breakLab: ({ config: { istio }, kubectl }) => kubectl.scale(`istiod-${istio.revision}`, istio.namespace, 0, quiet),
  }),
  broken({
    id: 'sidecar-stopped',
    title: "the VM's sidecar is stopped",
    check: 'sidecar',
    expected: /inactive, not ready/,
    breakLab: (lab) => onVm(lab, 'systemctl', 'stop', 'istio'),
  }),
  broken({
    id: 'vm-stopped',
    title: 'the VM is stopped',
    check: 'sidecar',
    expected: /is stopped/,
    breakLab: async (lab) => {
      await onVm(lab, 'poweroff').catch(sessionEnded);
      await waitFor(lab, 'the VM to be stopped', async () => {
        const machines = await lab.engine.list(quiet);
        return machines.some(({ name, state }) => name === lab.config.workloads[0].name && state === 'stopped');
      });
    },
  }),
  {
    id: 'reboot',
    title: 'the VM reboots',
    run: async ({ lab }) => {
      const before = await stateOf(lab);
      // If the sidecar was not ready before, waiting for it after the reboot would only time out.
      if (before?.sidecar.ready !== true) throw new Error('the sidecar was not ready before the reboot');
      await onVm(lab, 'reboot').catch(sessionEnded);
      await waitForVm(lab, 'the sidecar to be ready in a new boot', ({ bootId, sidecar }) => {
        return bootId !== undefined && bootId !== before.bootId && sidecar.ready;
      });
      return 'the sidecar is ready after the reboot';
    },
  },
  {
    id: 'verify-rebooted',
    title: 'verify passes after the reboot',
    run: (context) => verifies(context, 'verify-rebooted'),
  },
  {
    id: 'expire',
    title: 'the token expires and the sidecar restarts',
    run: async ({ lab }) => {
      const path = join(lab.config.paths.workloadFiles, 'istio-token');
      const token = await lab.system.files.readText(path);
      if (token === undefined) throw new Error(`there is no ${path}`);
      const old = expired(token, Math.floor(lab.system.clock.now() / 1000));
      await lab.system.files.write(path, old, 0o600);
      await vmOf(lab).put([{ path: '/var/lib/istio-vms/istio-token', content: old, mode: 0o600 }], undefined, quiet);
      await onVm(lab, 'systemctl', 'restart', '--no-block', 'istio');
      await waitForVm(
        lab,
        'the sidecar to be ready again',
        ({ sidecar }) => sidecar.active === 'active' && sidecar.ready,
      );
      return 'the sidecar is ready with its certificate alone';
    },
  },
  {
    id: 'verify-expired',
    title: 'verify passes with the expired token',
    run: (context) => verifies(context, 'verify-expired'),
  },
  {
    id: 'move',
    title: 'the server restarts with another address and up repairs the lab',
    skip: needsMove,
    run: async ({ lab, program, moveMachine }) => {
      const { master } = lab.config.k3s;
      const before = (await lab.engine.list(quiet)).find(({ name }) => name === master)?.addresses[0];
      const after = await moveMachine?.(master);
      if (after === undefined || after === before) throw new Error(`${master} is still at ${String(before)}`);
      const run = await succeeds(await program('move', 'up'));
      return `${master} moved from ${String(before)} to ${after}; changed ${String(run.data['changed'])} steps; ${checkSummary(run.data['verify'])}`;
    },
  },
  {
    id: 'verify-moved',
    title: 'verify passes at the new address',
    skip: needsMove,
    run: (context) => verifies(context, 'verify-moved'),
  },
  {
    id: 'moved-again',
    title: 'a second up after the move changes nothing',
    skip: needsMove,
    run: ({ program }) => writesNothing(program, 'moved-again', 'up'),
  },
  {
    id: 'fewer-workers',
    title: 'up removes a worker',
    skip: needsTwoWorkers,
    run: async ({ lab, program }) => {
      const { workerNames } = lab.config.k3s;
      const spare = workerNames.at(-1);
      await succeeds(await program('fewer-workers', 'up', ...fewer(lab)));
      lab.machines.forget();
      const left = (await lab.engine.list(quiet)).map(({ name }) => name);
      if (spare === undefined || left.includes(spare)) throw new Error(`${String(spare)} still exists`);
      return `${spare} is deleted`;
    },
  },
  {
    id: 'verify-fewer',
    title: 'verify passes with one worker less',
    skip: needsTwoWorkers,
    run: (context) => verifies(context, 'verify-fewer', ...fewer(context.lab)),
  },
  {
    id: 'delete',
    title: 'up --delete deletes the lab',
    always: true,
    run: async ({ program }) => {
      const { data } = await succeeds(await program('delete', 'up', '--delete'));
      return `deleted ${String(data['changed'])} resources`;
    },
  },
  {
    id: 'nothing-left',
    title: 'no resource of the lab is left and foreign machines are unchanged',
    always: true,
    run: async ({ lab, foreign }) => {
      const after = await lab.engine.list(quiet);
      const show = ({ name, state }: MachineInfo): string => `${name} (${state})`;
      const left = after.filter(({ name }) => !foreign.some((each) => each.name === name)).map(show);
      const lost = foreign.map(show).filter((each) => !after.map(show).includes(each));
      const { kubeconfig, workloadFiles, istioctl } = lab.config.paths;
      for (const path of [kubeconfig, workloadFiles, istioctl]) {
        if ((await lab.system.files.stat(path)) !== undefined) left.push(path);
      }
      if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
      if (lost.length > 0) throw new Error(`changed: ${lost.join(', ')}`);
      return `${after.length} foreign machines, all unchanged`;
    },
  },
];

/** The stages with one more after `up-again`, which repeats the check vm-to-mesh. */
export function withRepeats(times: number): readonly Stage[] {
  const stage: Stage = {
    id: 'repeat',
    title: 'vm-to-mesh passes every time',
    run: async (context) => {
      for (let run = 1; run <= times; run++) {
        await verifies(context, 'repeat', 'vm-to-mesh').catch((error: unknown) => {
          throw new Error(`run ${run} of ${times}: ${error instanceof Error ? error.message : String(error)}`);
        });
      }
      return `${times} runs passed`;
    },
  };
  return STAGES.flatMap((each) => (each.id === 'up-again' ? [each, stage] : [each]));
}

/** A way to break the lab, and the check that reports it. */
interface Breakage extends Pick<Stage, 'id' | 'title'> {
  readonly check: string;
  readonly expected: RegExp;
  readonly breakLab: (lab: Lab) => Promise<void>;
}

/** Breaks the lab: `verify` must report `check` as the cause, and `up` must repair it. */
function broken({ id, title, check, expected, breakLab }: Breakage): Stage {
  return {
    id,
    title: `${title}: verify reports it and up repairs it`,
    run: async ({ lab, program, source }) => {
      await breakLab(lab);
      const start = performance.now();
      const { document } = await program(id, 'verify');
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      const reported = document?.error?.message ?? 'nothing';
      if (document?.data['cause'] !== check || !expected.test(reported))
        throw new Error(`verify reported: ${reported}`);
      const { data } = await succeeds(await program(`${id}-up`, 'up', ...source));
      return `verify reported after ${seconds} s: ${reported}; changed ${String(data['changed'])} steps; ${checkSummary(data['verify'])}`;
    },
  };
}

const fewer = (lab: Lab): readonly string[] => ['--set', `WORKERS=${lab.config.k3s.workers - 1}`];

function needsMove({ moveMachine }: StageContext): string | undefined {
  return moveMachine === undefined ? 'this engine cannot change the address of a machine' : undefined;
}

function needsTwoWorkers({ lab }: StageContext): string | undefined {
  return lab.config.k3s.workers < 2 ? 'the lab has only one worker' : undefined;
}

async function writesNothing(program: Program, stage: string, ...args: readonly string[]): Promise<string> {
  const run = await program(stage, ...args);
  const { data } = await succeeds(run);
  if (data['changed'] !== 0) throw new Error(`it changed ${String(data['changed'])} steps`);
  if (run.writes.length > 0)
    throw new Error(`it ran ${run.writes.length} commands that write: ${run.writes.join('; ')}`);
  return 'no step changed and no command with effect write ran';
}

async function verifies({ program }: StageContext, stage: string, ...options: readonly string[]): Promise<string> {
  const { data } = await succeeds(await program(stage, 'verify', ...options));
  return checkSummary(data);
}

interface ExpectedCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly evidence: string;
}

function checkSummary(verify: unknown): string {
  const { checks = [] } = (verify ?? {}) as { checks?: readonly ExpectedCheck[] };
  const failed = checks.filter(({ ok }) => !ok);
  if (checks.length === 0) throw new Error('no check ran');
  if (failed.length > 0) throw new Error(failed.map(({ name, evidence }) => `${name}: ${evidence}`).join('; '));
  return `${checks.length} checks passed`;
}

async function succeeds(run: Run): Promise<{ readonly data: Readonly<Record<string, unknown>> }> {
  const { exitCode, document, stderr } = run;
  if (exitCode === 0 && document?.outcome === 'ok') return document;
  const why = document?.error?.message ?? stderr.trim().split('\n').slice(-3).join(' / ');
  throw new Error(`it ended with exit code ${String(exitCode)}: ${why}`);
}

const vmOf = (lab: Lab) => lab.engine.machine(lab.config.workloads[0].name);

/** Current state of the VM; undefined while it is not reachable. */
async function stateOf(lab: Lab) {
  lab.machines.forget();
  lab.workloadVm(lab.config.workloads[0].name).forget();
  return lab
    .workloadVm(lab.config.workloads[0].name)
    .state(quiet)
    .catch(() => undefined);
}

async function onVm(lab: Lab, file: string, ...args: readonly string[]): Promise<void> {
  await vmOf(lab).run({ ...asRoot({ file, args, effect: 'write' }), timeoutMs: 60_000 }, quiet);
}

/** Ignores the error of a session that ends because the machine shuts down. */
const sessionEnded = (): void => undefined;

/** Waits until the state of the VM meets the condition. */
async function waitForVm(lab: Lab, what: string, condition: (state: GuestState) => boolean): Promise<void> {
  await waitFor(lab, what, async () => {
    const state = await stateOf(lab);
    return state !== undefined && condition(state);
  });
}

async function waitFor(lab: Lab, what: string, condition: () => Promise<boolean>): Promise<void> {
  await waitUntil({
    clock: lab.system.clock,
    what,
    deadlineMs: BACK_MS,
    intervalMs: POLL_MS,
    hint: 'See `istio-vms status`.',
    say: () => undefined,
    probe: async () => ((await condition()) ? { ready: true } : { pending: 'not yet' }),
  });
}
