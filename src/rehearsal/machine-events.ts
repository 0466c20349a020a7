import { ADDRESS_GONE } from './durations.ts';
import { powerOff, powerOn } from './guest/boot.ts';
import type { Guest } from './guest/systemd.ts';
import { erase } from './guest/boot.ts';
import type { FaultName } from './faults.ts';
import { newAddress } from './state.ts';
import type { Instance, Mesh, World } from './world.ts';

/** An event on a machine of the lab that istio-vms did not cause. */
type MachineEvent = (world: World, mesh: Mesh) => void;

const POLL_MS = 5_000;
/** Milliseconds after which an event stops waiting for its machine. */
const TIMEOUT_MS = 3_600_000;

/** Triggers the event as soon as there is such a machine, set up and running. */
function once(fault: FaultName, isIt: (instance: Instance) => boolean, act: (guest: Guest) => void): MachineEvent {
  return (world, mesh) => {
    const until = world.clock.now() + TIMEOUT_MS;
    const poll = (): void => {
      const instance = [...world.engine.instances.values()].find(
        (each) =>
          each.state === 'Running' && each.cloudInit === 'done' && each.files.has('/etc/istio-vms/lab') && isIt(each),
      );
      if (instance !== undefined) {
        world.triggeredFaults.add(fault);
        act({ world, mesh, instance });
      } else if (world.clock.now() < until) world.clock.after(POLL_MS, poll);
    };
    poll();
  };
}

/** Nodes are recognized by the unit that runs on them; any other machine of the lab is the workload VM. */
const runs =
  (unit: string) =>
  ({ units }: Instance): boolean =>
    units.get(unit)?.active === 'active';
const isVm = ({ name }: Instance): boolean => !/(?:worker-\d+|master)$/.test(name);

const restart = (guest: Guest): void => {
  powerOff(guest, 'Restarting');
  void powerOn(guest, 'Restarting');
};

/** The workload VM is erased from outside. */
export const vmDeleted = once('vm-deleted', isVm, erase);

/** The workload VM restarts, and its lease was given away meanwhile (docs/facts/multipass.md 7 no. 6). */
export const vmMoved = once('vm-moved', isVm, (guest) => {
  guest.instance.address = newAddress(guest.world);
  restart(guest);
});

/** The daemon loses the address of a running machine (docs/facts/multipass.md 2.6). */
export const addressGone = once('address-gone', isVm, ({ world, instance }) => {
  instance.addressKnown = false;
  world.clock.after(ADDRESS_GONE, () => void (instance.addressKnown = true));
});

/** An update of the engine stops a machine during a run (docs/facts/multipass.md 7 no. 9). */
export const workerStopped = once('worker-stopped', runs('k3s-agent'), (guest) => powerOff(guest, 'Stopped'));
export const vmStopped = once('vm-stopped', isVm, (guest) => powerOff(guest, 'Stopped'));

/** A node restarts by itself. */
export const workerRebooted = once('worker-rebooted', runs('k3s-agent'), restart);
export const masterRebooted = once('master-rebooted', runs('k3s'), restart);
