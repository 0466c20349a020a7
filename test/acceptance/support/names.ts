/** Project and image in Incus that test/acceptance/install-incus.sh creates. */
export const PROJECT = 'istio-vms-test';
export const IMAGE = 'ubuntu-like';

/** Prefix of the names of all labs of these tests; sweep() removes nothing else. */
export const LAB_PREFIX = 'acceptance-';

/** Labels that name the lab, or the Multipass stand-in, of an instance. */
export const LABELS = ['user.istio-vms', 'user.multipass-on-incus'] as const;
