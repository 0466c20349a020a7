import { afterAll, beforeAll, describe } from 'vitest';
import { missing } from '../support/on-machines.ts';
import { failureCases } from './cases/failures.ts';
import { freezeCases } from './cases/freeze.ts';
import { joiningCases } from './cases/joining.ts';
import { restartCases } from './cases/restarts.ts';
import { removalCases } from './cases/removal.ts';
import { alternativeCases } from './cases/alternatives.ts';
import { createComputer, type Computer, type Engine } from './computer.ts';
import { expectOk } from './evidence.ts';
import { snapshot } from './snapshot.ts';

// Runs the scripts and files of istio-vms on a real machine: the engine, systemd, cloud-init, iptables, apt and sshd are
// real. The sidecar's programs are stand-ins that change the system as the real ones do; the cluster is simulated.
// The cases of one engine depend on each other and run in this order. The two Istio versions are chosen because they
// remove the iptables rules with different commands.
describe.each<[Engine, string]>([
  ['incus', '1.28.10'],
  ['multipass', '1.19.3'],
])('bootstrap with %s, Istio %s', (engine, version) => {
  const reason = missing(engine);
  describe.skipIf(reason !== undefined)(reason === undefined ? 'on a real machine' : `not available: ${reason}`, () => {
    let computer: Computer | undefined;
    let before: readonly string[] = [];
    const getComputer = (): Computer => {
      if (computer === undefined) throw new Error('available only inside tests');
      return computer;
    };
    beforeAll(async () => {
      computer = await createComputer(engine, version);
      expectOk(await computer.run('vm'));
      expectOk(await computer.run('workload'));
      before = await snapshot(computer.guest);
    });
    afterAll(() => computer?.remove());

    failureCases(getComputer);
    joiningCases(getComputer);
    restartCases(getComputer);
    removalCases(getComputer, () => before);
    // These cases do not depend on the engine, so they run only with the faster one.
    if (engine === 'incus') alternativeCases(getComputer, () => before);
    // Sessions of Incus do not use the machine's network (docs/facts/incus.md 2.1), so they cannot freeze.
    if (engine === 'multipass') freezeCases(getComputer);
  });
});
