import { missing } from '../support/on-machines.ts';
import { conformance } from './conformance.ts';
import { realBench } from './real-bench.ts';

conformance('Multipass on Incus', missing('multipass'), () => realBench('multipass'));
