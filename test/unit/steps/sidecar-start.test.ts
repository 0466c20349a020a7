import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/machines/machine.ts';
import type { WorkloadLab } from '../../../src/steps/workload-lab.ts';
import { waitForReadiness } from '../../../src/steps/sidecar-start.ts';
import { CommandError } from '../../../src/system/command-error.ts';
import type { Command } from '../../../src/system/system.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { resultOf } from '../../support/fake-processes.ts';

const journal = [
  { MESSAGE: 'error\tca\tan old line', SYSLOG_IDENTIFIER: 'pilot-agent', _SYSTEMD_INVOCATION_ID: 'a' },
  { MESSAGE: 'error\tca\trequest failed', SYSLOG_IDENTIFIER: 'pilot-agent', _SYSTEMD_INVOCATION_ID: 'b' },
  { MESSAGE: 'Failed to start istio.service.', SYSLOG_IDENTIFIER: 'systemd', INVOCATION_ID: 'b' },
];

/** A machine whose agent and unit say these things, look after look. */
function machineThat(...looks: readonly { agent: boolean; unit?: string }[]) {
  let look = -1;
  const run = async (command: Command) => {
    if (command.file === 'pilot-agent') look++;
    const { agent } = looks[look] ?? { agent: false };
    if (command.file === 'pilot-agent' && !agent)
      throw new CommandError(command, 'exit', resultOf({ exitCode: 255, stderr: 'Error: timeout' }));
    return resultOf({
      stdout: command.file === 'sudo' ? journal.map((entry) => JSON.stringify(entry)).join('\n') : '',
    });
  };
  const state = async () => ({ sidecar: { active: looks[look]?.unit ?? 'activating' } });
  return { name: 'vm', run, state, looks: () => look + 1 };
}

const wait = async (made: ReturnType<typeof machineThat>) => {
  const clock = fakeClock();
  const said: string[] = [];
  const vm = { forget: () => undefined, state: made.state };
  const lab = {
    system: { clock },
    engine: { shellHint: (name: string, command: string) => `multipass exec -n ${name} -- ${command}` },
    config: {},
    vm,
  } as unknown as WorkloadLab;
  const context = { say: (text: string) => said.push(text), signal: new AbortController().signal };
  const outcome = await waitForReadiness(lab, made as unknown as Machine, context);
  return { outcome, said: said.join('\n'), slept: clock.slept };
};

describe('waiting for the sidecar', () => {
  it('ends when agent and unit are ready, at once if they already are', async () => {
    const machine = machineThat({ agent: true, unit: 'active' });
    expect(await wait(machine)).toMatchObject({ outcome: 'ready', slept: [] });
    expect(machine.looks()).toBe(1);
  });

  it('continues until the unit knows that its agent is ready', async () => {
    const machine = machineThat({ agent: false }, { agent: true }, { agent: true, unit: 'active' });
    const { outcome, said } = await wait(machine);
    expect(outcome).toBe('ready');
    expect(machine.looks()).toBe(3);
    expect(said).toBe(
      'waiting for the sidecar on vm: ca: request failed\nwaiting for the sidecar on vm: the agent is ready; waiting for its unit',
    );
  });

  it('times out with a hint for the engine in use', async () => {
    await expect(wait(machineThat())).rejects.toMatchObject({
      reason: 'timed-out',
      message: expect.stringMatching(
        /^Timed out waiting for the sidecar on vm after .*: ca: request failed\.$/,
      ) as string,
      facts: { hint: expect.stringContaining('multipass exec -n vm -- sudo journalctl --unit istio') as string },
    });
  });
});
