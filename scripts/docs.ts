import { readFile, writeFile } from 'node:fs/promises';
import { generatedFiles } from './documents/generated.ts';

/** Writes what is made from the program into the documents: `npm run docs`. A test holds them to it. */
for (const [path, make] of Object.entries(generatedFiles)) {
  const before = await readFile(path, 'utf8').catch(() => '');
  const after = await make(before);
  if (after !== before) {
    await writeFile(path, after);
    console.log(`${path} written`);
  }
}
