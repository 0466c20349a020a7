import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startControllers } from '../light/controllers.ts';
import { createLab } from '../light/lab.ts';
import { createBridge } from '../light/place.ts';
import { run } from '../light/processes.ts';
import type { MeshPrograms } from '../programs.ts';
import { recordIstioctl } from './istioctl-cases.ts';
import { recordKubectl } from './kubectl-cases.ts';
import { createRecorder } from './recorder.ts';
import { createTargets } from './targets.ts';

/**
 * Started by main.ts in new namespaces. Arguments: the directory with programs.json, test/recordings, and the index of the
 * Istio line. When it exits, the kernel ends all processes that it started.
 */
const [directory = '', target = '', index = ''] = process.argv.slice(2);
process.stdin.on('close', () => process.exit(130)).resume();

const programs = JSON.parse(await readFile(`${directory}/programs.json`, 'utf8')) as MeshPrograms;
const istio = programs.istio[Number(index)];
if (istio === undefined) throw new Error(`there is no Istio line ${index}`);
process.env['PATH'] = `${programs.kubernetes}:${process.env['PATH'] ?? ''}`;
const print = (line: string): void => void process.stdout.write(`${line}\n`);
await createBridge();
const lab = await createLab(programs, istio, directory);
const targets = await createTargets(lab);
const recorder = (program: string) => createRecorder({ target, program, directory, print });

// kubectl does not depend on the Istio line, so it is recorded once.
if (index === '0') {
  const stop = startControllers(lab.cluster.api);
  await recordKubectl(lab, targets, recorder(`kubectl-${await kubectlVersion()}`));
  stop();
}
await recordIstioctl(lab, targets, recorder(`istioctl-${istio.version}`));
process.exit(0);

async function kubectlVersion(): Promise<string> {
  const answer = JSON.parse(
    await run(join(programs.kubernetes, 'kubectl'), 'version', '--client', '--output=json'),
  ) as {
    clientVersion: { gitVersion: string };
  };
  return answer.clientVersion.gitVersion.replace(/^v|\+.*$/g, '');
}
