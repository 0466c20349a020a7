import { describe, expect, it } from 'vitest';
import { asCliError, CliError } from '../../../src/errors/cli-error.ts';
import { renderError } from '../../../src/ui/error-screen.ts';
import { jsonDocument } from '../../../src/ui/json.ts';
import { createStyles } from '../../../src/ui/styles.ts';

const paint = createStyles(false);
const screen = (error: CliError, more: Partial<Parameters<typeof renderError>[1]> = {}) =>
  renderError(error, { paint, width: 80, ...more });

describe('the error screen', () => {
  it('shows all problems of a configuration at once', async () => {
    const problem = (name: string, value: string, allowed: string) =>
      `${name}=${JSON.stringify(value)} (from run.env, line 3): ${allowed}`;
    const error = new CliError('invalid-configuration', {
      message: '7 values of the configuration are wrong. Nothing was touched.',
      details: [
        problem('WORKERS', '1000', 'a whole number from 1 to 50'),
        problem('MEM_WORKER', '8 gigs', 'a size such as 8G'),
        problem(
          'VM_NAMESPACE',
          'Vm_Ns',
          'a DNS label: lower-case letters, digits and dashes, at most 63, beginning with a letter',
        ),
        problem('VM_APP', '$(reboot)', 'a DNS label'),
        problem('EWG_PORT_STATUS', '15443', 'a port that no other listener of the gateway has'),
        problem('ISTIO_ARCH', 'win-amd64', 'one of osx-arm64, osx-amd64, linux-armv7, linux-arm64, linux-amd64'),
        problem('CONTAINER_TOOL', 'nerdctl', 'docker or podman'),
      ],
      hint: 'Correct the lines in run.env; `istio-vms env` shows every value and where it comes from.',
    });
    await expect(screen(error)).toMatchFileSnapshot('screens/invalid-configuration.txt');
  });

  it('shows a failed tool with its command, its output, and the number of steps that are done', async () => {
    const error = new CliError('tool-failed', {
      message: 'Machine master: multipass ended with exit code 2',
      command: 'multipass launch 22.04 --name master --cpus 2 --memory 1G --disk 4G --timeout 900 --cloud-init -',
      stderrTail: Array.from({ length: 14 }, (_, n) => `launch failed: line ${n + 1}`).join('\n'),
      hint: 'See what multipass itself says: multipass info master',
    });
    const seen = ['ready', 'changed', 'failed', 'not-started'].map((outcome) => ({ outcome }));
    await expect(screen(error, { logPath: '.tmp/logs/up.log', seen })).toMatchFileSnapshot('screens/tool-failed.txt');
  });

  it('shows a wait that timed out', async () => {
    const error = new CliError('timed-out', {
      message: 'Timed out waiting for an address of the gateway after 5m: Service istio-eastwestgateway is pending.',
      hint: 'Another Service may hold its ports; set EWG_PORT_STATUS, EWG_PORT_TLS_ISTIOD or EWG_PORT_TLS_WEBHOOK to free ones.',
    });
    await expect(screen(error, { logPath: '.tmp/logs/up.log' })).toMatchFileSnapshot('screens/timed-out.txt');
  });

  it('shows missing prerequisites, with the command on its own line', async () => {
    const error = new CliError('prerequisite-missing', {
      message: 'Missing prerequisites for Gateway (2); nothing was changed.',
      details: [
        'k3s server: no machine master (run: istio-vms k3s)',
        'Istio control plane: waits for k3s server (run: istio-vms istio)',
      ],
      hint: 'Run this first: istio-vms k3s && istio-vms istio',
    });
    await expect(screen(error)).toMatchFileSnapshot('screens/prerequisite-missing.txt');
    await expect(screen(error, { width: 40 })).toMatchFileSnapshot('screens/prerequisite-missing-narrow.txt');
  });

  it('shows an interrupt and how to resume', async () => {
    const error = new CliError('interrupted', {
      message: 'Interrupted: 5 steps done, 1 interrupted, 15 not started.',
      details: ['Cut short: All nodes Ready'],
      hint: 'Run this to go on where it stopped: istio-vms up',
    });
    await expect(screen(error, { logPath: '.tmp/logs/up.log', seen: [{ outcome: 'ready' }] })).toMatchFileSnapshot(
      'screens/interrupted.txt',
    );
  });

  it('asks to report internal errors', async () => {
    const error = asCliError(new TypeError('x is not iterable'));
    await expect(screen(error, { logPath: '.tmp/logs/up.log' })).toMatchFileSnapshot('screens/internal-error.txt');
  });

  it('never breaks a command, and otherwise never exceeds the width', () => {
    const command = `istioctl install ${'--set some.value=1 '.repeat(9)}`.trimEnd();
    const error = new CliError('tool-failed', { message: 'word '.repeat(60), command, details: ['x'.repeat(200)] });
    for (const width of [30, 50, 80, 120]) {
      const lines = screen(error, { width }).split('\n');
      expect(lines).toContain(`    ${command}`);
      for (const line of lines)
        if (!line.includes('istioctl')) expect(Array.from(line).length).toBeLessThan(Math.max(width, 41));
    }
  });

  it('shows the same text without a terminal, unwrapped', () => {
    const message = 'word '.repeat(60).trim();
    expect(screen(new CliError('tool-failed', { message }), { width: 0 })).toContain(`✖ ${message}.\n`);
  });

  it('colors the failure', () => {
    const painted = renderError(new CliError('tool-failed', { message: 'No.' }), {
      paint: createStyles(true),
      width: 80,
    });
    expect(painted).toContain('\u001b[31m✖ No.\u001b[39m');
  });
});

describe('the JSON document', () => {
  it('has a version, and the error as an object', () => {
    const error = new CliError('tool-missing', {
      message: 'No kubectl.',
      hint: 'Install it.',
      cause: new Error('secret'),
    });
    expect(JSON.parse(jsonDocument('up', 'error', { steps: [] }, error))).toEqual({
      version: 2,
      tool: 'istio-vms',
      command: 'up',
      outcome: 'error',
      error: { reason: 'tool-missing', exitCode: 4, message: 'No kubectl.', hint: 'Install it.' },
      data: { steps: [] },
    });
    expect(jsonDocument('env', 'ok', {})).toMatch(/^\{\n[^]*\}\n$/);
    expect(JSON.parse(jsonDocument('env', 'ok', {}))).not.toHaveProperty('error');
  });
});
