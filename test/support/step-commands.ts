import type { StepCommand } from '../../src/steps/lab-step.ts';

/** The commands of single steps, in the order of the article. */
export const ARTICLE_COMMANDS: readonly StepCommand[] = [
  'k3s',
  'istioctl',
  'istio',
  'eastwest',
  'vm',
  'workload',
  'bootstrap',
  'route',
];
