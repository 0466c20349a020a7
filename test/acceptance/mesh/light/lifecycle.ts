import { deepEqual, notEqual } from 'node:assert/strict';
import type { WorkloadFiles } from '../../../../src/guest/workload-files.ts';
import { expired } from '../../e2e/expired.ts';
import type { Checks } from './checks.ts';
import { health, outsideName } from './joining.ts';
import type { LightLab } from './lab.ts';
import { until } from './processes.ts';
import type { Vm } from './vm.ts';

/** Restarts, reboots and failures of a machine after it has joined. */
export async function checkLifecycle(lab: LightLab, checks: Checks, vm: Vm, files: WorkloadFiles): Promise<void> {
  await checks.check(
    'a restart with an expired token: the certificate authenticates the machine and is renewed',
    async () => {
      const before = await certificate(vm);
      const now = Math.floor(Date.now() / 1000);
      await vm.place.write('/var/lib/istio-vms/istio-token', expired(files.token, now), 0o600);
      await vm.place.sh('systemctl restart istio');
      await vm.ready();
      notEqual(await certificate(vm), before);
      await health(lab, vm, 'True');
    },
  );
  await checks.check('a reboot with an expired token: the sidecar becomes ready by itself', async () => {
    await reboot(vm);
    await vm.ready();
    await health(lab, vm, 'True');
  });
  await checks.check('SIGKILL of the agent leaves no rule, and DNS works', async () => {
    notEqual((await vm.rules()).length, 0, 'no rules were loaded before, so this check proves nothing');
    process.kill(vm.sidecar.mainPid() ?? Number.NaN, 'SIGKILL');
    // In this state `cleanup` has run and the next start has not begun.
    await until('the unit to wait for its restart', 14, async () =>
      vm.sidecar.state() === 'activating' ? true : undefined,
    );
    await noRules(vm);
    await outsideName(vm);
  });
  await checks.check('the sidecar starts again after the SIGKILL and becomes ready', async () => {
    await vm.place.sh('systemctl start istio');
    await vm.ready();
  });
  await checks.check('a stop leaves no rule', () => checkCleanStop(vm));
  await checks.check('cleanup leaves no rule when the agent is gone from the disk', async () => {
    await vm.place.sh('systemctl start istio');
    await vm.ready();
    await vm.sidecar.cut();
    await vm.place.sh('mv /usr/local/bin/pilot-agent /root/ && /usr/local/lib/istio-vms/cleanup');
    await noRules(vm);
    await outsideName(vm);
  });
}

/** Stops the unit and checks that no rule is left and DNS works. */
export async function checkCleanStop(vm: Vm): Promise<void> {
  await vm.place.sh('systemctl stop istio');
  await noRules(vm);
  await outsideName(vm);
}

async function noRules(vm: Vm): Promise<void> {
  deepEqual(await vm.rules(), []);
}

/** Serial number and expiry of the agent's certificate on disk. */
const certificate = (vm: Vm): Promise<string> =>
  vm.place.sh('openssl x509 -noout -serial -enddate -in /etc/certs/cert-chain.pem');

/** Simulates a reboot: kills all units, clears the rules and /run, and starts the enabled units. */
async function reboot(vm: Vm): Promise<void> {
  await Promise.all([vm.sidecar.cut(), vm.demo.cut()]);
  const restores = ['iptables-nft', 'ip6tables-nft', 'iptables-legacy', 'ip6tables-legacy'];
  for (const each of restores)
    await vm.place.sh(
      `for table in nat mangle raw filter; do ${each} -t $table -F && ${each} -t $table -X || true; done 2>/dev/null`,
    );
  deepEqual(await vm.rules(), []);
  await vm.place.sh('umount -l /run && mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/lock');
  vm.systemd.boot();
}
