import type { Instance } from '../world.ts';
import { guestText, writeGuest } from './files.ts';

const BLOCK = /# istio-vms begin\n[\s\S]*?# istio-vms end\n/g;

/** Like `data/guest/hosts-block`: replaces the marked lines of istio-vms in /etc/hosts, and nothing else. */
export function hostsBlock(instance: Instance, lines: string): void {
  const others = (guestText(instance, '/etc/hosts') ?? '').replaceAll(BLOCK, '');
  const block = lines === '' ? '' : `# istio-vms begin\n${lines}# istio-vms end\n`;
  writeGuest(instance, '/etc/hosts', others + block);
}
