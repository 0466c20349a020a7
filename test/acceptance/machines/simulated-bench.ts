import { quiet } from '../../support/context.ts';
import { installEverydayPrograms } from '../../support/everyday-programs.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createEngine } from '../../../src/machines/create-engine.ts';
import { createRehearsal } from '../../../src/rehearsal/index.ts';
import type { Host } from '../../../src/system/system.ts';
import { loadShippedData } from '../../../src/system/shipped.ts';
import { killable } from '../../rehearsal/crash/killable.ts';
import { LAB_PREFIX } from '../support/names.ts';
import { specOf } from '../support/spec.ts';
import type { Bench } from './bench.ts';

const HOST: Host = { platform: 'linux', cpu: 'arm64', cwd: '/home/u/lab', home: '/home/u', env: {} };

/** A bench with the simulated engine of --rehearse, which must behave like the real ones. */
export async function simulatedBench(kind: 'multipass' | 'incus'): Promise<Bench> {
  const shipped = await loadShippedData();
  const name = `${LAB_PREFIX}simulated`;
  const { config } = loadConfig({
    host: HOST,
    versions: shipped.versions,
    flags: { LAB_NAME: name, MACHINE_ENGINE: kind },
  });
  const rehearsal = createRehearsal({ host: HOST, shipped, engine: kind, engineSettings: config.engineSettings });
  const { system, world, drive } = rehearsal;
  installEverydayPrograms(world);
  const engine = createEngine(system, shipped, config);
  const context = { ...quiet, say: () => undefined };
  const launchFor =
    (labName: string, by = engine): Bench['launch'] =>
    async (machine, cloudInit) => {
      await by.launch(specOf(config, labName, machine, cloudInit), context);
      return by.machine(machine);
    };
  const foreignEngine = createEngine(system, shipped, { ...config, lab: `${name}-other` });
  return {
    ...{ name, engine, system, shipped, config, context, drive },
    directory: HOST.cwd,
    hostCpu: HOST.cpu,
    launch: launchFor(name),
    interruptLaunch: async (machine) => {
      const run = killable(rehearsal);
      void createEngine(run.system, shipped, config).launch(specOf(config, name, machine), context);
      while (!world.engine.instances.has(machine)) await world.clock.sleep(50);
      run.kill('end');
    },
    launchForeign: launchFor(`${name}-other`, foreignEngine),
    sleep: (ms) => world.clock.sleep(ms),
    // The simulated machines exist only in memory.
    cleanUp: () => Promise.resolve(),
  };
}
