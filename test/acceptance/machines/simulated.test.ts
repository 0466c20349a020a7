import { conformance } from './conformance.ts';
import { simulatedBench } from './simulated-bench.ts';

conformance('the simulated Multipass', undefined, () => simulatedBench('multipass'));
conformance('the simulated Incus', undefined, () => simulatedBench('incus'));
