import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/machines/machine.ts';
import type { WorkloadLab } from '../../../src/steps/workload-lab.ts';
import { waitForReadiness } from '../../../src/steps/sidecar-start.ts';
import { CommandError } from '../../../src/system/command-error.ts';
import type { Command } from '../../../src/system/system.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { resultOf } from '../../support/fake-processes.ts';

const JOURNAL = [
  { MESSAGE: 'error\tca\tan old line', SYSLOG_IDENTIFIER: 'pilot-agent', _SYSTEMD_INVOCATION_ID: 'a' },
  { MESSAGE: 'error\tca\trequest failed', SYSLOG_IDENTIFIER: 'pilot-agent', _SYSTEMD_INVOCATION_ID: 'b' },
  { MESSAGE: 'Failed to start istio.service.', SYSLOG_IDENTIFIER: 'systemd', INVOCATION_ID: 'b' },
];

interface State {
  readonly agent: boolean;
  readonly unit?: string;
}

/** A machine whose agent and unit report one of these states per probe. */
const machineWith = (...states: readonly State[]) => machineWithJournal(JOURNAL, ...states);

function machineWithJournal(journal: readonly object[], ...states: readonly State[]) {
  let probe = -1;
  const run = async (command: Command) => {
    if (command.file === 'pilot-agent') probe++;
    const { agent } = states[probe] ?? { agent: false };
    if (command.file === 'pilot-agent' && !agent)
      throw new CommandError(command, 'exit', resultOf({ exitCode: 255, stderr: 'Error: timeout' }));
    return resultOf({
      stdout: command.file === 'sudo' ? journal.map((entry) => JSON.stringify(entry)).join('\n') : '',
    });
  };
  const state = async () => ({ sidecar: { active: states[probe]?.unit ?? 'activating' } });
  return { name: 'vm', run, state, probes: () => probe + 1 };
}

const wait = async (machine: ReturnType<typeof machineWith>) => {
  const clock = fakeClock();
  const messages: string[] = [];
  const vm = { forget: () => undefined, state: machine.state };
  const lab = {
    system: { clock },
    engine: { shellHint: (name: string, command: string) => `multipass exec -n ${name} -- ${command}` },
    config: {},
    vm,
  } as unknown as WorkloadLab;
  const context = { say: (text: string) => messages.push(text), signal: new AbortController().signal };
  const outcome = await waitForReadiness(lab, machine as unknown as Machine, context);
  return { outcome, messages: messages.join('\n'), slept: clock.slept };
};

describe('waiting for the sidecar', () => {
  it('ends when agent and unit are ready, at once if they already are', async () => {
    const machine = machineWith({ agent: true, unit: 'active' });
    expect(await wait(machine)).toMatchObject({ outcome: 'ready', slept: [] });
    expect(machine.probes()).toBe(1);
  });

  it('continues until the unit knows that its agent is ready', async () => {
    const machine = machineWith({ agent: false }, { agent: true }, { agent: true, unit: 'active' });
    const { outcome, messages } = await wait(machine);
    expect(outcome).toBe('ready');
    expect(machine.probes()).toBe(3);
    expect(messages).toBe(
      'waiting for the sidecar on vm: ca: request failed\nwaiting for the sidecar on vm: the agent is ready, its unit is not yet',
    );
  });

  it('fails at the second probe when the agent can never start', async () => {
    const MESSAGE = 'istio.service: Failed to execute /usr/local/bin/pilot-agent: Exec format error';
    const entry = { MESSAGE, SYSLOG_IDENTIFIER: '(agent)', _SYSTEMD_INVOCATION_ID: 'b' };
    const machine = machineWithJournal([entry], { agent: false }, { agent: false });
    await expect(wait(machine)).rejects.toMatchObject({
      reason: 'wrong-architecture',
      message: expect.stringContaining('istio cannot start on vm') as string,
    });
    expect(machine.probes()).toBe(2);
  });

  it('times out with a hint for the engine in use', async () => {
    await expect(wait(machineWith())).rejects.toMatchObject({
      reason: 'timed-out',
      message: expect.stringMatching(
        /^Timed out waiting for the sidecar on vm after .*: ca: request failed\.$/,
      ) as string,
      facts: { hint: expect.stringContaining('multipass exec -n vm -- sudo journalctl --unit istio') as string },
    });
  });
});
