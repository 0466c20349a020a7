import { missing } from '../support/on-machines.ts';
import { conformance } from './conformance.ts';
import { realBench } from './real-bench.ts';

conformance('Incus', missing('incus'), () => realBench('incus'));
