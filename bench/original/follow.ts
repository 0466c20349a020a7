import { quiet } from '../../test/support/context.ts';
import { join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { createRehearsal } from '../../src/rehearsal/index.ts';
import { createProcesses } from '../../src/rehearsal/processes.ts';
import { standInBytes } from '../../src/rehearsal/stand-in.ts';
import type { Cpu, Host } from '../../src/system/system.ts';
import type { ShippedData } from '../../src/system/shipped.ts';
import { isRemote } from '../remote.ts';
import { untilTraffic } from '../traffic.ts';
import { SIDECAR_UNIT } from './guest.ts';
import { originalPrograms } from './programs.ts';
import { SCRIPTS, type Follower } from './scripts.ts';

/** Measurements of following the article in the simulated world. */
export interface OriginalRun {
  readonly makespanMs: number;
  /** Calls of multipass, kubectl and istioctl. */
  readonly commands: number;
  /** Sessions on the workload VM that install the sidecar. */
  readonly bootstrapCalls: number;
}

/** Follows the article in a new world until traffic flows both ways. @throws when the world refuses a command, or on timeout */
export async function followOriginal(host: Host, shipped: ShippedData): Promise<OriginalRun> {
  const rehearsal = createRehearsal({ host, shipped });
  const { world, mesh, files, drive } = rehearsal;
  const { config } = loadConfig({ host, versions: shipped.versions, flags: {} });
  world.tools.add('wget');
  const processes = createProcesses({ world, mesh, files, programs: originalPrograms(config.paths.kubeconfig) });
  const run: Follower['run'] = async (file, args, stdin) => {
    const { stdout } = await processes.run(
      {
        file,
        args,
        effect: 'write',
        timeoutMs: 3_600_000,
        ...(stdin === undefined ? {} : { stdin }),
      },
      quiet,
    );
    return stdout;
  };
  const follower: Follower = { config, shipped, cpu: host.cpu, files, run, sleep: (ms) => world.clock.sleep(ms) };
  await writeOriginalFiles(follower);
  const startedAt = world.clock.now();
  let bootstrapCalls = 0;
  await drive(async () => {
    for (const [name, script] of Object.entries(SCRIPTS)) {
      const before = processes.transcript.length;
      await script(follower);
      const issued = processes.transcript.slice(before);
      if (name === 'bootstrap') bootstrapCalls = issued.filter(({ command }) => isRemote(command)).length;
    }
    await untilTraffic(rehearsal, config);
  });
  if (world.refused.length > 0) throw new Error(`the world refused: ${world.refused.join('; ')}`);
  return {
    makespanMs: world.clock.now() - startedAt,
    commands: processes.transcript.filter(({ command }) => command.file !== 'wget').length,
    bootstrapCalls,
  };
}

/** Writes the files of the original repository, and the programs that it takes from the proxy image on arm64. */
async function writeOriginalFiles({ config, cpu, files }: Follower): Promise<void> {
  const { data, temp } = config.paths;
  const version = config.istio.version;
  const put = (path: string, content: string | Uint8Array): Promise<void> =>
    files.write(join(data, 'istio-sidecar', path), content, 0o755);
  await put('usr/local/bin/istio-start.sh', '#!/bin/bash\n');
  await put('lib/systemd/system/istio.service', SIDECAR_UNIT);
  await put('var/lib/istio/envoy/envoy_bootstrap_tmpl.json', '{}');
  await put('var/lib/istio/envoy/sidecar.env', '');
  for (const artifact of ['envoy', 'pilot-agent'])
    await files.write(
      join(temp, 'patch', artifact),
      standInBytes({ artifact, version, cpu: cpu satisfies Cpu }),
      0o755,
    );
}
