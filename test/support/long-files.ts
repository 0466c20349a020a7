/** Files in which every test runs a whole rehearsal: they are in the project `long`, which .ci/run runs and `npm test` does not. */
export const LONG_FILES: string[] = [
  ...['advice', 'broken-lab', 'bundle', 'experiments', 'faults', 'former-machines', 'former-planes', 'leftovers'],
  ...['repair', 'nodes', 'ownership', 'checks', 'reconfigure', 'report', 'secrets', 'steps', 'versions'],
  ...['incus', 'istioctl', 'json-documents', 'recorded-lab', 'schedule', 'two-workloads', 'versions-seen'],
].map(rehearsal);

/** Files that use `sampled.ts`: `npm test` runs a part of their rows, the project `long` all of them. */
export const SAMPLED_FILES: string[] = ['test/unit/guest/traffic-rules.test.ts', ...['interrupt', 'up'].map(rehearsal)];

function rehearsal(name: string): string {
  return `test/rehearsal/${name}.test.ts`;
}
