import { ADDRESS_GONE } from './durations.ts';
import { powerOff, powerOn } from './guest/boot.ts';
import type { Guest } from './guest/systemd.ts';
import { erase } from './engines/erase.ts';
import { newAddress } from './state.ts';
import type { Instance, Mesh, World } from './world.ts';

/** Something happens to a machine of ours without us. */
type MachineEvent = (world: World, mesh: Mesh) => void;

const LOOK = 5_000;
/** A machine that never comes is not waited for. */
const PATIENCE = 3_600_000;

/** Lets it happen as soon as there is such a machine, set up and running. */
function once(fault: string, isIt: (instance: Instance) => boolean, act: (guest: Guest) => void): MachineEvent {
  return (world, mesh) => {
    const until = world.clock.now() + PATIENCE;
    const look = (): void => {
      const instance = [...world.engine.instances.values()].find(
        (each) =>
          each.state === 'Running' && each.cloudInit === 'done' && each.files.has('/etc/istio-vms/lab') && isIt(each),
      );
      if (instance !== undefined) {
        world.triggeredFaults.add(fault);
        act({ world, mesh, instance });
      } else if (world.clock.now() < until) world.clock.after(LOOK, look);
    };
    look();
  };
}

/** Nodes are known by what runs on them, once it does; any other machine of ours is the workload VM. */
const runs =
  (unit: string) =>
  ({ units }: Instance): boolean =>
    units.get(unit)?.active === 'active';
const isVm = ({ name }: Instance): boolean => !/(?:worker-\d+|master)$/.test(name);

const restart = (guest: Guest): void => {
  powerOff(guest, 'Restarting');
  void powerOn(guest, 'Restarting');
};

/** Somebody erases the workload VM. */
export const vmDeleted = once('vm-deleted', isVm, erase);

/** The workload VM is restarted, and its lease was given away meanwhile (docs/facts/multipass.md 7 no. 6). */
export const vmMoved = once('vm-moved', isVm, (guest) => {
  guest.instance.address = newAddress(guest.world);
  restart(guest);
});

/** The daemon has lost track of a machine that runs on (docs/facts/multipass.md 2.6). */
export const addressGone = once('address-gone', isVm, ({ world, instance }) => {
  instance.addressKnown = false;
  world.clock.after(ADDRESS_GONE, () => void (instance.addressKnown = true));
});

/** An update of the engine stops a machine in the middle of a run (docs/facts/multipass.md 7 no. 9). */
export const workerStopped = once('worker-stopped', runs('k3s-agent'), (guest) => powerOff(guest, 'Stopped'));
export const vmStopped = once('vm-stopped', isVm, (guest) => powerOff(guest, 'Stopped'));

/** A node restarts by itself. */
export const workerRebooted = once('worker-rebooted', runs('k3s-agent'), restart);
export const masterRebooted = once('master-rebooted', runs('k3s'), restart);
