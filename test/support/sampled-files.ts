/** Files that use `sampled.ts`: the project `long` runs all of their examples. */
export const SAMPLED_FILES: string[] = [
  'test/unit/guest/traffic-rules.test.ts',
  ...['advice', 'faults', 'incus', 'interrupt', 'mending', 'ownership', 'proofs', 'reconfigure'].map(rehearsal),
  ...['schedule', 'up', 'versions', 'versions-seen'].map(rehearsal),
];

function rehearsal(name: string): string {
  return `test/rehearsal/${name}.test.ts`;
}
