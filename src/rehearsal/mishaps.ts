import { powerOff, powerOn } from './guest/boot.ts';
import { erase } from './host/multipass/lifecycle.ts';
import type { Instance, Mesh, World } from './world.ts';

/** Something happens to a machine of ours without us. */
type Mishap = (world: World, mesh: Mesh) => void;

const LOOK = 5_000;
/** A machine that never comes is not waited for. */
const PATIENCE = 3_600_000;

/** Lets it happen as soon as there is such a machine, set up and running. */
function once(kind: RegExp, act: (guest: { world: World; mesh: Mesh; instance: Instance }) => void): Mishap {
  return (world, mesh) => {
    const until = world.clock.now() + PATIENCE;
    const look = (): void => {
      const instance = [...world.engine.instances.values()].find(
        ({ name, state, cloudInit, files }) =>
          kind.test(name) && state === 'Running' && cloudInit === 'done' && files.has('/etc/istio-vms/lab'),
      );
      if (instance !== undefined) act({ world, mesh, instance });
      else if (world.clock.now() < until) world.clock.after(LOOK, look);
    };
    look();
  };
}

/** Our machines are known by their manner of names; any other one of ours is the workload VM. */
const WORKER = /worker-\d+$/;
const VM = /^(?!.*(?:worker-\d+|master)$)/;

/** Somebody erases the workload VM. */
export const vmDeleted = once(VM, erase);

/** The workload VM is restarted, and its lease was given away meanwhile (facts/multipass.md 7 no. 6). */
export const vmMoved = once(VM, (guest) => {
  powerOff(guest, 'Restarting');
  guest.instance.address = `192.168.64.${guest.world.engine.nextAddress++}`;
  void powerOn(guest, 'Restarting');
});

/** An update of the engine stops a machine in the middle of a run (facts/multipass.md 7 no. 9). */
export const workerStopped = once(WORKER, (guest) => powerOff(guest, 'Stopped'));
export const vmStopped = once(VM, (guest) => powerOff(guest, 'Stopped'));

/** A worker restarts by itself. */
export const workerRebooted = once(WORKER, (guest) => {
  powerOff(guest, 'Restarting');
  void powerOn(guest, 'Restarting');
});
