import { describe, expect, it, vi } from 'vitest';
import { long, sampled } from '../support/sampled.ts';
import { cli } from './support/cli.ts';
import { labThatIsUp, refusals, simulated, type RunResult, type RunOptions } from './support/simulated.ts';

const { watch } = refusals();

/** Fails if a step was applied after the interrupt. */
function expectNoNewWork(run: RunResult, abortedAt: number): void {
  for (const { id, workedAt } of run.report.steps) {
    if (workedAt !== undefined && workedAt > abortedAt)
      throw new Error(`${id} began ${workedAt - abortedAt} ms after the interrupt`);
  }
}

describe('an interrupt', () => {
  // During the launches, the start of k3s, the installation of Istio, and the join of the VM.
  it.each(sampled([1_000, 30_000, 89_500, 95_000, 120_000, 135_000, 148_000, 156_000, 160_000, 164_000], 10))(
    'after %i ms starts nothing new, says how to resume, and the next up finishes the lab',
    async (after) => {
      const lab = watch(simulated());
      const interrupt = new AbortController();
      const begin = lab.world.clock.now();
      lab.world.clock.after(after, () => interrupt.abort());
      const interrupted = await lab.up({ signal: interrupt.signal });
      const { error } = interrupted.report;
      expect(error?.reason).toBe('interrupted');
      expect(error?.exitCode).toBe(130);
      expect(error?.message).toMatch(/^Interrupted: \d+ steps? done, \d+ interrupted, \d+ not started\.$/);
      expect(error?.facts.hint).toBe('Re-run the same command to resume.');
      expectNoNewWork(interrupted, begin + after);

      const next = await lab.up();
      expect(next.report.error).toBeUndefined();
      expect((await lab.verify()).failed).toEqual([]);
      expect((await lab.up()).changed).toEqual([]);
    },
  );

  it('before the first step changes nothing', async () => {
    const lab = watch(simulated());
    const interrupt = new AbortController();
    interrupt.abort();
    const { report, writes } = await lab.up({ signal: interrupt.signal });
    expect(report.error?.reason).toBe('interrupted');
    expect(writes).toEqual([]);
  });

  it('of up --delete finishes operations in flight, and the next up --delete deletes the rest', async () => {
    const lab = watch(await labThatIsUp());
    const interrupt = new AbortController();
    const over: RunOptions = {
      signal: interrupt.signal,
      onEvent: ({ type }) => {
        if (type === 'step-done') interrupt.abort();
      },
    };
    expect((await lab.down(over)).report.error?.reason).toBe('interrupted');
    expect((await lab.down()).report.error).toBeUndefined();
    expect(lab.world.engine.instances.size).toBe(0);
  });

  it('during the checks leaves no temporary object and no stopped demo workload', async () => {
    const lab = watch(await labThatIsUp());
    for (const [name, after] of [
      ['health', 1_500],
      ['strict', 1_000],
      ['network-policy', 2_000],
    ] as const) {
      const interrupt = new AbortController();
      lab.world.clock.after(after, () => interrupt.abort(new Error('stop')));
      await expect(lab.verify([name], { signal: interrupt.signal })).rejects.toThrow();
      await lab.pass(30_000);
      expect(lab.machine('vm-istio-external-workload').units.get('istio-vms-demo')?.active).toBe('active');
      expect(lab.cluster.list('networkpolicies.networking.k8s.io')).toEqual([]);
      expect(lab.cluster.list('peerauthentications.security.istio.io')).toEqual([]);
      expect(lab.cluster.get('namespaces', undefined, 'istio-vms-plain')).toBeUndefined();
    }
    expect((await lab.verify()).failed).toEqual([]);
  });
});

describe.runIf(long)('an interrupt while the API server does not answer', () => {
  it.each([0, 2_500, 6_000])('ends an apply at once, %i ms after its first try', async (after) => {
    const lab = watch(await labThatIsUp());
    await lab.shell(
      `kubectl --kubeconfig ${lab.config.paths.kubeconfig} --context ${lab.config.context} --request-timeout=20s delete services external-app --namespace vmns --ignore-not-found --wait=true --timeout=120s`,
    );
    const { clock } = lab.world;
    const interrupt = new AbortController();
    const ready = vi.spyOn(lab.cluster, 'ready');
    let interruptedAt = 0;
    const interrupted = await lab.up({
      signal: interrupt.signal,
      onEvent: (event) => {
        if (event.type !== 'step-working' || event.id !== 'route') return;
        ready.mockReturnValue(false);
        clock.after(after, () => {
          interruptedAt = clock.now();
          interrupt.abort();
        });
      },
    });
    expect(interrupted.report.error?.reason).toBe('interrupted');
    expect(interrupted.report.error?.exitCode).toBe(130);
    expect(interruptedAt).toBeGreaterThan(0);
    expect(clock.now() - interruptedAt).toBeLessThanOrEqual(1_000);

    ready.mockRestore();
    const next = await lab.up();
    expect(next.report.error).toBeUndefined();
    expect(next.changed).toEqual(['route']);
  });

  it('ends the checks and tries once to delete their temporary objects', async () => {
    const lab = watch(await labThatIsUp());
    const { clock } = lab.world;
    const interrupt = new AbortController();
    const ready = vi.spyOn(lab.cluster, 'ready');
    let interruptedAt = 0;
    clock.after(2_000, () => {
      ready.mockReturnValue(false);
      interruptedAt = clock.now();
      interrupt.abort(new Error('stop'));
    });
    const from = lab.transcript.length;
    await expect(lab.verify(['strict'], { signal: interrupt.signal })).rejects.toThrow();
    expect(clock.now() - interruptedAt).toBeLessThanOrEqual(2_000);
    const deletes = lab.transcript.slice(from).filter(({ command }) => command.args.includes('delete'));
    expect(deletes.map(({ exitCode }) => exitCode)).toEqual([1, 1]);
    ready.mockRestore();
  });
});

describe('at the terminal', () => {
  it('exits with 130 after the first signal and says how to resume', async () => {
    const run = await cli(['up', '--rehearse'], { onSignal: (send) => setTimeout(send, 1) });
    expect(run.code).toBe(130);
    expect(run.quitWith).toBeUndefined();
    expect(run.stderr).toContain('Interrupted. Finishing in-flight operations; press Ctrl-C again to quit now.');
    expect(run.stderr).toContain('◼ Interrupted: ');
    expect(run.stderr).toContain('Reason: interrupted (exit code 130)');
    expect(run.stderr).not.toContain('✖');
  });

  it('exits at once after the second signal', async () => {
    const run = await cli(['up', '--rehearse'], {
      onSignal: (send) =>
        setTimeout(() => {
          send();
          send();
        }, 1),
    });
    expect(run.quitWith).toBe(130);
  });

  it('exits with 130 when the signal comes during the checks', async () => {
    const run = await cli(['verify', '--rehearse'], { onSignal: (send) => setTimeout(send, 1) });
    expect(run.code).toBe(130);
    expect(run.stderr).toContain('Reason: interrupted (exit code 130)');
  });
});
