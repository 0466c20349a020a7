import { quiet } from '../../support/context.ts';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createEngine } from '../../../src/machines/create-engine.ts';
import type { EngineContext, Machine, MachineEngine } from '../../../src/machines/machine.ts';
import type { CommandResult, System, Processes } from '../../../src/system/system.ts';
import { currentHost } from '../../../src/system/host.ts';
import { createRealSystem } from '../../../src/system/index.ts';
import { loadShippedData, type ShippedData } from '../../../src/system/shipped.ts';
import { IMAGE, LAB_PREFIX, PROJECT } from './names.ts';
import { specOf } from './spec.ts';

/** `multipass` is the stand-in on Incus machines. */
export type EngineName = 'incus' | 'multipass' | 'real-multipass';

/** A lab on real machines, with the real system interfaces and a unique name. */
export interface TestLab {
  /** LAB_NAME. */
  readonly name: string;
  readonly engine: MachineEngine;
  /** The real system interfaces; `processes` runs everything in `env`. */
  readonly system: System;
  readonly shipped: ShippedData;
  readonly config: Config;
  /** Environment variables with which other programs, such as `istio-vms`, use the same machines. */
  readonly env: Readonly<Record<string, string>>;
  /** A new directory for this lab. */
  readonly directory: string;
  /** Progress messages of the engine. */
  readonly messages: readonly string[];
  readonly context: EngineContext;
  /** Launches a machine of the lab and waits for cloud-init; `config.workloads[0].name` is a workload, other names are nodes. */
  launch(name: string, cloudInit?: Readonly<Record<string, unknown>>): Promise<Machine>;
  /** Starts a launch and kills its processes as soon as the machine is listed. */
  interruptLaunch(name: string): Promise<void>;
  /** Launches a machine with the marker (and, with Incus, the label) of another lab. */
  launchForeign(name: string): Promise<Machine>;
  /** Removes the directory and the machines that this lab launched. */
  cleanUp(): Promise<void>;
}

const STAND_IN = fileURLToPath(new URL('../multipass-on-incus', import.meta.url));
const RELEASE = '22.04';

/** @param set more configuration variables */
export async function createTestLab(kind: EngineName, set: Readonly<Record<string, string>> = {}): Promise<TestLab> {
  const id = randomBytes(4).toString('hex');
  const name = `${LAB_PREFIX}${id}`;
  const directory = await mkdtemp(join(tmpdir(), `${name}-`));
  const variables = {
    LAB_NAME: name,
    NODE_PREFIX: `t${id}`,
    WORKLOAD_VM_NAME: `t${id}-vm`,
    RUN_OS: RELEASE,
    MACHINE_ENGINE: kind === 'incus' ? 'incus' : 'multipass',
    ...(kind === 'incus' ? { INCUS_PROJECT: PROJECT, INCUS_IMAGE: IMAGE, INCUS_TYPE: 'container' } : {}),
    ...set,
  };
  const env = { ...variables, ...(kind === 'multipass' ? standIn(name) : {}) };
  const shipped = await loadShippedData();
  const host = { ...currentHost(), cwd: directory, env: { ...process.env, ...env } };
  const { config } = loadConfig({ host, versions: shipped.versions });
  const real = createRealSystem();
  const system: System = { ...real, processes: inEnvironment(real.processes, env) };
  const engine = createEngine(system, shipped, config);
  const messages: string[] = [];
  const context: EngineContext = { ...quiet, say: (text) => messages.push(text) };

  const foreignEngine = createEngine(system, shipped, { ...config, lab: `${name}-other` });
  const launchFor = (labName: string, by: MachineEngine): TestLab['launch'] => {
    return async (machine, cloudInit) => {
      await by.launch(specOf(config, labName, machine, cloudInit), context);
      return by.machine(machine);
    };
  };
  const interruptLaunch = async (machine: string): Promise<void> => {
    const killedSystem = createRealSystem();
    const running = inEnvironment(killedSystem.processes, env);
    const run = { killed: false };
    // After the kill, commands never return, as in a killed run.
    const processes: Processes = {
      run: async (command, signal) => {
        const result = run.killed ? undefined : await running.run(command, signal).catch((thrown: unknown) => thrown);
        if (run.killed || result === undefined) return new Promise(() => undefined);
        if (result instanceof Error) throw result;
        return result as CommandResult;
      },
    };
    const launch = createEngine({ ...killedSystem, processes }, shipped, config).launch(
      specOf(config, name, machine),
      context,
    );
    const ended = launch.then(() => true);
    const isThere = async (): Promise<boolean> => (await engine.list(quiet)).some((each) => each.name === machine);
    while (!(await isThere())) await Promise.race([sleep(50), ended]);
    run.killed = true;
    killedSystem.killAll();
  };

  const cleanUp = async (): Promise<void> => {
    // Incus has labels. Multipass has none: the stand-in lists only its own space, and the names contain the unique id.
    for (const [labName, by] of [[name, engine] as const, [`${name}-other`, foreignEngine] as const]) {
      const ours = (await by.list(quiet)).filter((each) =>
        each.lab === undefined ? each.name.startsWith(`t${id}`) : each.lab === labName,
      );
      await Promise.all(ours.map((each) => by.remove(each.name, context)));
    }
    await rm(directory, { recursive: true, force: true });
  };

  return {
    ...{ name, engine, system, shipped, config, env, directory, messages, context, cleanUp },
    interruptLaunch,
    launch: launchFor(name, engine),
    launchForeign: launchFor(`${name}-other`, foreignEngine),
  };
}

/** Environment of a stand-in for Multipass that lists only instances of this lab. */
function standIn(space: string): Readonly<Record<string, string>> {
  return {
    PATH: `${STAND_IN}${delimiter}${process.env['PATH'] ?? ''}`,
    MULTIPASS_ON_INCUS_SPACE: space,
    MULTIPASS_ON_INCUS_PROJECT: PROJECT,
    MULTIPASS_ON_INCUS_IMAGE: IMAGE,
  };
}

const inEnvironment = (processes: Processes, env: Readonly<Record<string, string>>): Processes => ({
  run: (command, signal) => processes.run({ ...command, env: { ...env, ...command.env } }, signal),
});
