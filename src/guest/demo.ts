import type { Config } from '../config/config.ts';
import { CliError } from '../errors/cli-error.ts';
import type { ShippedData } from '../system/shipped.ts';
import { renderEnvFile } from './env-file.ts';
import type { GuestPayload } from './k3s.ts';
import { shippedScript, unitFile } from './shipped.ts';

/** Its unit. */
export const DEMO_UNIT = 'istio-vms-demo';
const DEMO_PAGE = '/var/lib/istio-vms/demo/index.html';
const DEMO_ENV = '/var/lib/istio-vms/demo.env';

/** Files whose digests tell whether the demo workload on the machine is the wanted one. */
export const demoPaths: readonly string[] = ['/etc/systemd/system/istio-vms-demo.service', DEMO_ENV, DEMO_PAGE];

/** The demo workload: a web server on `VM_APP_PORT` that serves one page, as a unit of its own. */
export function demoFiles(config: Config, shipped: Pick<ShippedData, 'guest' | 'sample'>): GuestPayload {
  const page = shipped.sample['index.html'];
  if (page === undefined)
    throw new CliError('internal-error', { message: 'data/sample/index.html is missing from this installation.' });
  return {
    files: [
      unitFile(shipped, DEMO_UNIT),
      {
        path: DEMO_ENV,
        content: renderEnvFile(new Map([['ISTIO_VMS_DEMO_PORT', String(config.vm.appPort)]])),
        mode: 0o644,
      },
      { path: DEMO_PAGE, content: page, mode: 0o644 },
    ],
    script: shippedScript(shipped, 'demo-start.sh'),
  };
}
