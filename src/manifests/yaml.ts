import { stringify } from 'yaml';
import type { Manifest } from './object.ts';

const HEADER = '# Made by istio-vms from its configuration; what is changed here is lost with the next run.\n';

/** Objects as one YAML text, a document each: for istioctl, and for people to read. */
export function toYaml(objects: readonly Manifest[]): string {
  // No anchors: not every reader of these files expands them. No folding: a long value stays easy to find. And Kubernetes
  // reads `yes` and `on` as true, as YAML 1.1 has it.
  const options = { aliasDuplicateObjects: false, lineWidth: 0, compat: 'yaml-1.1' } as const;
  return HEADER + objects.map((object) => stringify(object, options)).join('---\n');
}
