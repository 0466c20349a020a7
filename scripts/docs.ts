import { readFile, writeFile } from 'node:fs/promises';
import { generatedFiles } from './documents/generated.ts';

/** `npm run docs`: writes the generated parts of the documents. A test fails when they are out of date. */
for (const [path, generate] of Object.entries(generatedFiles)) {
  const before = await readFile(path, 'utf8').catch(() => '');
  const after = await generate(before);
  if (after !== before) {
    await writeFile(path, after);
    console.log(`${path} written`);
  }
}
