import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ShippedData } from '../../../src/system/shipped.ts';
import { versions } from '../kube/lab.ts';

function texts(directory: string): Record<string, string> {
  return Object.fromEntries(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}

/** The files that the package ships. */
export const shipped: ShippedData = { versions, guest: texts('data/guest'), sample: texts('data/sample') };
