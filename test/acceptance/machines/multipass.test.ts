import { missing } from '../support/on-machines.ts';
import { conformance } from './conformance.ts';
import { realBench } from './real-bench.ts';

conformance('the real Multipass', missing('real-multipass'), () => realBench('real-multipass'));
