/** Where every machine of ours says whose it is; written by cloud-init, content = name of the lab. */
export const MARKER = '/etc/istio-vms/lab';
