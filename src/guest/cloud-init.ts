import type { Config } from '../config/config.ts';
import { MARKER } from '../machines/ownership.ts';

/** cloud-init user data of a k3s node. */
export function nodeCloudInit(config: Config): Readonly<Record<string, unknown>> {
  return ownershipOf(config);
}

/**
 * cloud-init user data of the workload machine. It installs no packages: a later payload does, where a failure is
 * visible and can be retried.
 */
export function workloadCloudInit(config: Config): Readonly<Record<string, unknown>> {
  return ownershipOf(config);
}

/**
 * Deliberately small. `users` is not set, because an engine may add its own login through vendor data. That vendor data
 * also has cloud-init rewrite /etc/hosts at each boot, which would delete istiod's line (docs/facts/istio-vm.md 4.4).
 */
function ownershipOf(config: Config): Readonly<Record<string, unknown>> {
  return {
    package_update: false,
    package_upgrade: false,
    manage_etc_hosts: false,
    write_files: [{ path: MARKER, owner: 'root:root', permissions: '0644', content: `${config.lab}\n` }],
  };
}
