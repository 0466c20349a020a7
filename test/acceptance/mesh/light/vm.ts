import { quiet } from '../../../support/context.ts';
import { readFile } from 'node:fs/promises';
import { certificatesCommand, parseIdentities, type Identity } from '../../../../src/guest/certificates.ts';
import { DEMO_UNIT, demoFiles } from '../../../../src/guest/demo.ts';
import { dnsCommand, parseDnsAnswer } from '../../../../src/guest/dns.ts';
import type { GuestPayload } from '../../../../src/guest/k3s.ts';
import { shippedText } from '../../../../src/guest/shipped.ts';
import { installScript, sidecarFiles, sidecarPaths } from '../../../../src/guest/sidecar.ts';
import { parseGuestState, stateCommand, type GuestState } from '../../../../src/guest/state.ts';
import type { WorkloadFiles } from '../../../../src/guest/workload-files.ts';
import { MARKER } from '../../../../src/machines/ownership.ts';
import type { PutResult } from '../../../../src/machines/machine.ts';
import { putFiles } from '../../../../src/machines/put.ts';
import { createRealSystem } from '../../../../src/system/index.ts';
import type { LightLab } from './lab.ts';
import { createPlace, type Place } from './place.ts';
import { start, until } from './processes.ts';
import type { Service } from './service.ts';
import { createSystemd, type Systemd } from './systemctl.ts';

/** iptables backends of a machine. */
export type Tables = 'legacy and nft' | 'nft alone';

/** A name that the machine's own resolver knows, and its address (RFC 5737). */
export const OUTSIDE = { name: 'outside.example', address: '203.0.113.53' } as const;

/** The workload machine with the product's payload. */
export interface Vm {
  readonly place: Place;
  readonly systemd: Systemd;
  /** The unit `istio`. */
  readonly sidecar: Service;
  /** The unit of the demo workload. */
  readonly demo: Service;
  /** Runs `sidecar-install.sh` and returns its output. */
  install(): Promise<string>;
  /** Places the demo workload and starts it. */
  putDemo(): Promise<PutResult>;
  /** Places the sidecar's files and runs sidecar-start.sh. */
  putSidecar(files: WorkloadFiles): Promise<PutResult>;
  state(): Promise<GuestState>;
  /** Waits until the sidecar is ready by the product's definition. */
  ready(seconds?: number): Promise<GuestState>;
  identities(): Promise<readonly Identity[]>;
  /** Resolves a name with the product's command. */
  lookup(name: string): Promise<readonly string[]>;
  /** Loaded rules in all tables of all iptables backends of the machine. */
  rules(): Promise<readonly string[]>;
}

const LAB = 'light';

/** Creates a machine in the state after cloud-init. */
export async function createVm(lab: LightLab, address: string, tables: Tables): Promise<Vm> {
  const { config, shipped, directory } = lab;
  const name = tables === 'nft alone' ? 'vm-nft' : 'vm';
  const place = await createPlace({ name, address, directory });
  await place.write(MARKER, `${LAB}\n`);
  await place.write('/etc/resolv.conf', 'nameserver 127.0.0.53\n');
  if (tables === 'nft alone') {
    await place.sh('rm -f /usr/sbin/xtables-legacy-multi /usr/sbin/iptables-legacy* /usr/sbin/ip6tables-legacy*');
  }
  await startNetworkServices(place, `${directory}/${name}.network-services.log`);
  const systemd = await createSystemd(place, directory);
  const { files } = createRealSystem();
  const deliver = (payload: GuestPayload): Promise<PutResult> =>
    putFiles(
      { run: (command) => place.run(command), files, place: { text: shippedText(shipped, 'place.sh'), lab: LAB } },
      payload.files,
      payload.script,
      quiet,
    );
  const state = async (): Promise<GuestState> =>
    parseGuestState((await place.run(stateCommand(shipped, sidecarPaths))).stdout);
  return {
    place,
    systemd,
    sidecar: systemd.service('istio'),
    demo: systemd.service(DEMO_UNIT),
    install: async () => {
      const { istio, programs } = lab;
      const route = {
        shipped,
        envoy: { file: programs.envoy },
        agent: { file: istio.pilotAgent },
        bootstrap: { file: `${istio.packaging}/envoy_bootstrap.json` },
      };
      return (await deliver(installScript(config, route))).stdout.trim();
    },
    putDemo: () => deliver(demoFiles(config.workloads[0], shipped)),
    putSidecar: (workloadFiles) =>
      deliver(sidecarFiles(config, { workload: config.workloads[0], shipped, workloadFiles, address })),
    state,
    ready: (seconds = 30) =>
      until(
        `the sidecar of ${name}`,
        seconds,
        async () => {
          const now = await state();
          if (now.sidecar.active === 'active' && now.sidecar.ready) return now;
          const log = await readFile(`${directory}/${name}.istio.log`, 'utf8').catch(() => '');
          const failure = log.split('\n').findLast((line) => /\terror\t|denied|not permitted|istio-vms:/.test(line));
          throw new Error(`${now.sidecar.active}, port 15021 says ${now.sidecar.readyCode}; ${failure ?? 'no error'}`);
        },
        500,
      ),
    identities: async () => parseIdentities((await place.run(certificatesCommand())).stdout),
    lookup: async (wanted) => parseDnsAnswer((await place.run(dnsCommand(shipped, wanted))).stdout),
    rules: async () => {
      const tools = tables === 'nft alone' ? ['nft'] : ['nft', 'legacy'];
      const saves = tools.flatMap((tool) => [`iptables-${tool}-save`, `ip6tables-${tool}-save`]);
      const all = await Promise.all(
        saves.map(async (save) =>
          (await place.sh(`${save} 2>/dev/null`)).split('\n').map((line) => `${save}: ${line}`),
        ),
      );
      return all.flat().filter((line) => / (-A|:ISTIO)/.test(line));
    },
  };
}

async function startNetworkServices(place: Place, log: string): Promise<void> {
  const program = new URL('network-services.ts', import.meta.url).pathname;
  const node = [process.execPath, ...process.execArgv, program, OUTSIDE.name, OUTSIDE.address];
  start([...place.enterNetwork, ...node], { log });
  await until(`the network services of ${place.name}`, 20, async () =>
    (await readFile(log, 'utf8')).includes('ready') ? true : undefined,
  );
}
