import type { Config } from '../config/config.ts';
import { MARKER } from '../machines/ownership.ts';

/** cloud-init user data of a k3s node. */
export function nodeCloudInit(config: Config): Readonly<Record<string, unknown>> {
  return ownershipOf(config);
}

/**
 * cloud-init user data of the workload machine. Packages stay out: they come with one payload, where a failure is seen
 * and can be tried again.
 */
export function workloadCloudInit(config: Config): Readonly<Record<string, unknown>> {
  return ownershipOf(config);
}

/**
 * Small on purpose. `users` stays out, since an engine may keep its own way in through vendor data, which also asks
 * cloud-init to write /etc/hosts anew at each boot, which would take istiod's line away (docs/facts/istio-vm.md 4.4).
 */
function ownershipOf(config: Config): Readonly<Record<string, unknown>> {
  return {
    package_update: false,
    package_upgrade: false,
    manage_etc_hosts: false,
    write_files: [{ path: MARKER, owner: 'root:root', permissions: '0644', content: `${config.lab}\n` }],
  };
}
