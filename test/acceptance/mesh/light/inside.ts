import { readFile, writeFile } from 'node:fs/promises';
import type { MeshPrograms } from '../programs.ts';
import { runMesh } from './mesh.ts';

/**
 * Started by main.ts in new namespaces. Arguments: the directory with programs.json, and the index of the Istio line. When
 * it exits for any reason, the kernel ends all processes that it started.
 */
const [directory = '', index = ''] = process.argv.slice(2);
// The pipe closes when the parent process exits.
process.stdin.on('close', () => process.exit(130)).resume();

const programs = JSON.parse(await readFile(`${directory}/programs.json`, 'utf8')) as MeshPrograms;
const istio = programs.istio[Number(index)];
if (istio === undefined) throw new Error(`there is no Istio line ${index}`);
const counts = await runMesh(programs, istio, directory, (line) => process.stdout.write(`${line}\n`));
await writeFile(`${directory}/counts.json`, JSON.stringify(counts));
process.exit(counts.failed === 0 ? 0 : 1);
