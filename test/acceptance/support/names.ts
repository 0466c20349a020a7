/** Project of Incus, image and bridge that test/acceptance/install-incus.sh makes. */
export const PROJECT = 'istio-vms-test';
export const IMAGE = 'ubuntu-like';

/** Every lab of these tests begins so; nothing else is ever swept away. */
export const LAB_PREFIX = 'acceptance-';

/** Where an instance says to which lab, or to which Multipass, it belongs. */
export const LABELS = ['user.istio-vms', 'user.multipass-on-incus'] as const;
