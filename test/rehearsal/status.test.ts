import { quiet } from '../support/context.ts';
import { describe, expect, it } from 'vitest';
import { inOneWorld } from './support/cli.ts';
import { labThatIsUp, refusals } from './support/simulated.ts';

const { watch } = refusals();

describe('status', () => {
  it('reports that the ingress gateway is scaled to 0', async () => {
    const lab = watch(await labThatIsUp());
    const run = await inOneWorld(lab);
    expect((await run(['status'])).stdout).toMatch(/ingress gateway +✔ +available/);
    await lab.drive(() => lab.lab().kubectl.scale('istio-ingressgateway', 'istio-system', 0, quiet));
    await lab.pass(10_000);
    expect((await run(['status'])).stdout).toMatch(/ingress gateway +✖ +scaled to 0/);
  });
});
