import { readFile, writeFile } from 'node:fs/promises';
import type { MeshPrograms } from '../programs.ts';
import { runMesh } from './mesh.ts';

/**
 * Run by main.ts as process of namespaces of its own: DIRECTORY holds programs.json, the second argument is the index of
 * the Istio line. When it ends, for whatever reason, everything that it started ends.
 */
const [directory = '', index = ''] = process.argv.slice(2);
// The one who started us is gone when this pipe closes.
process.stdin.on('close', () => process.exit(130)).resume();

const programs = JSON.parse(await readFile(`${directory}/programs.json`, 'utf8')) as MeshPrograms;
const istio = programs.istio[Number(index)];
if (istio === undefined) throw new Error(`there is no Istio line ${index}`);
const counts = await runMesh(programs, istio, directory, (line) => process.stdout.write(`${line}\n`));
await writeFile(`${directory}/counts.json`, JSON.stringify(counts));
process.exit(counts.failed === 0 ? 0 : 1);
