import { CliError } from '../errors/cli-error.ts';
import { DEMO_NOT_LISTENING, demoFiles, demoStopScript, portConflict, listenerText } from '../guest/demo.ts';
import { driftOf } from '../guest/digest.ts';
import type { GuestState } from '../guest/state.ts';
import type { Finding } from '../plan/step.ts';
import { CommandError } from '../system/command-error.ts';
import type { WorkloadLab } from './workload-lab.ts';
import type { LabStep } from './lab-step.ts';

/**
 * The demo workload on the VM: a small HTTP server with its own systemd unit. It is not started when an application
 * already listens on the port, and is not installed at all with `DEMO=off`.
 */
export function demoStep(lab: WorkloadLab): LabStep {
  const { name, appPort } = lab.workload;
  const payload = demoFiles(lab.workload, lab.shipped);
  return {
    id: `demo${lab.suffix}`,
    title: `demo workload on ${name}`,
    needs: [`vm${lab.suffix}`],
    command: 'route',
    tools: ['machines'],
    expectMs: 3_000,
    async check(context): Promise<Finding> {
      const state = await lab.vm.state(context);
      if (state === undefined) return { missing: `${name} is not running` };
      const reason = notNeeded(lab, state);
      if (reason !== undefined) {
        const isThere = state.demo.enabled === true || !['inactive', 'failed'].includes(state.demo.active);
        if (isThere) return { drifted: `${reason}, but the demo workload is installed` };
        context.say(`${reason}; no demo workload is started`);
        return 'ready';
      }
      const different = driftOf(payload.files, state);
      if (different.length > 0) return { missing: `drift on ${name}: ${different.join(', ')}` };
      if (state.demo.enabled !== true) return { drifted: 'the demo workload does not start at boot' };
      if (state.demo.current !== true) return { drifted: 'the demo workload was started with other files' };
      return state.demo.active === 'active' ? 'ready' : { drifted: `the demo workload is ${state.demo.active}` };
    },
    async apply(context) {
      const machine = lab.engine.machine(name);
      const state = await lab.vm.state(context);
      try {
        if (state !== undefined && notNeeded(lab, state) !== undefined) {
          context.say('removing the demo workload');
          await machine.put([], demoStopScript(lab.shipped), { ...context, timeoutMs: 60_000 });
        } else {
          context.say('starting the demo workload');
          await machine.put(payload.files, payload.script, { ...context, timeoutMs: 60_000 });
        }
      } catch (error) {
        throw notListening(error, name, appPort) ?? error;
      } finally {
        lab.vm.forget();
      }
    },
  };
}

/** The reason not to start the demo workload; undefined when it is wanted. */
function notNeeded({ workload }: WorkloadLab, state: GuestState): string | undefined {
  const { appPort, demo } = workload;
  const foreign = portConflict(state);
  if (foreign !== undefined) return `port ${appPort} is served by ${listenerText(foreign)}`;
  return demo ? undefined : 'DEMO=off';
}

function notListening(error: unknown, name: string, port: number): CliError | undefined {
  const cause = error instanceof CliError ? error.facts.cause : error;
  if (!(cause instanceof CommandError) || cause.result.exitCode !== DEMO_NOT_LISTENING) return undefined;
  const reason = cause.result.stderr
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => /^\w*Error\b/.test(line));
  return new CliError('guest-failed', {
    message: `The demo workload on ${name} does not listen on port ${port}${reason === undefined ? '' : `: ${reason}`}.`,
    hint: 'Free the port, choose another VM_APP_PORT, or set DEMO=off and serve it with your own application.',
    stderrTail: cause.result.stderr.trim(),
    cause: error,
  });
}
