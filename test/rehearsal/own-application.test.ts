import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import { readStatus } from '../../src/verify/status.ts';
import { findingText } from '../../src/plan/text.ts';
import { listenOn } from '../../src/rehearsal/guest/listeners.ts';
import { labThatIsUp, refusals } from './support/simulated.ts';

const { watch } = refusals();
const VM = 'vm-istio-external-workload';
const NGINX = { program: 'nginx', pid: 812 };

describe("a user's application on the VM's port", () => {
  it('replaces the demo workload, and is named by plan, status and verify', async () => {
    const lab = watch(await labThatIsUp());
    const vm = lab.machine(VM);
    listenOn(vm, 8000, NGINX);
    const findings = Object.fromEntries((await lab.plan()).map(({ step, finding }) => [step.id, findingText(finding)]));
    expect(findings['demo']).toBe(
      'drift: port 8000 is served by nginx (pid 812, nginx.service) on 0.0.0.0:8000, but the demo workload is installed',
    );
    const { report, changed } = await lab.up();
    expect([report.error, changed]).toEqual([undefined, ['demo']]);
    expect(vm.units.has('istio-vms-demo')).toBe(false);
    const second = await lab.up();
    expect([second.report.error, second.changed]).toEqual([undefined, []]);
    // The check must not stop a user's application, so it only reads the health.
    const health = await lab.verify(['health']);
    expect([health.failed, health.writes]).toEqual([[], []]);
    expect(health.results.at(-1)?.evidence).toBe(
      'Healthy True, served by nginx (pid 812, nginx.service) on 0.0.0.0:8000; not stopped for this check',
    );
    const rows = (await lab.drive(() => readStatus(lab.lab(), quiet))).flatMap((section) => section.rows);
    expect(rows.find(({ what }) => what === 'demo workload')).toEqual({
      what: 'demo workload',
      state: 'not used: the port is served by nginx (pid 812, nginx.service) on 0.0.0.0:8000',
    });
    // When the application has ended, `up` installs the demo workload again.
    listenOn(vm, 8000, undefined);
    expect((await lab.up()).changed).toEqual(['demo']);
    expect(vm.units.get('istio-vms-demo')?.active).toBe('active');
  });

  it('is named in the error when it takes the port while the demo workload starts', async () => {
    const lab = watch(await labThatIsUp());
    const vm = lab.machine(VM);
    const { report } = await lab.up({
      set: { VM_APP_PORT: '8081' },
      onEvent: (event) => {
        if (JSON.stringify(event).includes('starting the demo workload')) listenOn(vm, 8081, NGINX);
      },
    });
    expect(report.error?.message).toContain(
      'The demo workload on vm-istio-external-workload does not listen on port 8081: OSError: [Errno 98] Address already in use',
    );
    expect(report.error?.facts.hint).toContain('DEMO=off');
  });

  it('is not needed with DEMO=off, which removes the demo workload and does not install it again', async () => {
    const lab = watch(await labThatIsUp());
    const set = { DEMO: 'off' };
    expect((await lab.up({ set })).changed).toEqual(['demo']);
    expect(lab.machine(VM).units.has('istio-vms-demo')).toBe(false);
    expect((await lab.up({ set })).changed).toEqual([]);
  });
});
