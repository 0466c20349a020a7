import type { WorkloadConfig } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';
import type { ShippedData } from '../system/shipped.ts';
import { renderEnvFile } from './env-file.ts';
import type { GuestPayload } from './k3s.ts';
import type { GuestScript } from '../machines/machine.ts';
import { shippedScript, unitFile, type GuestTexts } from './shipped.ts';
import type { GuestListener, GuestState } from './state.ts';

/** The systemd unit of the demo workload. */
export const DEMO_UNIT = 'istio-vms-demo';
const DEMO_PAGE = '/var/lib/istio-vms/demo/index.html';
const DEMO_ENV = '/var/lib/istio-vms/demo.env';

/** The user's own application on the demo's port; undefined when the port is free or the demo's own. */
export function portConflict({ demo }: Pick<GuestState, 'demo'>): GuestListener | undefined {
  return demo.listener?.unit === `${DEMO_UNIT}.service` ? undefined : demo.listener;
}

/** A listener as text, e.g. `nginx (pid 812, nginx.service) on 0.0.0.0:8000`. */
export function listenerText({ program, pid, unit, address }: GuestListener): string {
  const known = [...(pid === undefined ? [] : [`pid ${pid}`]), ...(unit === undefined ? [] : [unit])];
  return `${program}${known.length > 0 ? ` (${known.join(', ')})` : ''} on ${address}`;
}

/** Files whose digests show whether the demo workload on the machine is up to date. */
export const demoPaths: readonly string[] = ['/etc/systemd/system/istio-vms-demo.service', DEMO_ENV, DEMO_PAGE];

/** The demo workload: a web server on `VM_APP_PORT` that serves one page, run by its own systemd unit. */
export function demoFiles(workload: WorkloadConfig, shipped: Pick<ShippedData, 'guest' | 'sample'>): GuestPayload {
  const page = shipped.sample['index.html'];
  if (page === undefined)
    throw new CliError('internal-error', { message: 'data/sample/index.html is missing from this installation.' });
  return {
    files: [
      unitFile(shipped, DEMO_UNIT),
      {
        path: DEMO_ENV,
        content: renderEnvFile(new Map([['ISTIO_VMS_DEMO_PORT', String(workload.appPort)]])),
        mode: 0o644,
      },
      { path: DEMO_PAGE, content: page, mode: 0o644 },
    ],
    script: shippedScript(shipped, 'demo-start.sh'),
  };
}

/** Exit code of the start script when the workload does not listen; the reason is on stderr. */
export const DEMO_NOT_LISTENING = 23;

/** Removes the demo workload from the machine, and nothing else. */
export function demoStopScript(shipped: GuestTexts): GuestScript {
  return shippedScript(shipped, 'demo-stop.sh');
}
