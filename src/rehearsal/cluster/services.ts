import { serviceObjects, type Controller } from './kube.ts';

/** Fills in the API server's defaults for a Service: its cluster address, target ports, node ports. */
export const services: Controller = (kube) => {
  for (const service of serviceObjects(kube.store)) {
    const { name, namespace } = service.metadata;
    kube.store.edit('services', namespace, name, (copy) => {
      const { spec, metadata } = copy;
      const uid = metadata.uid ?? '';
      spec.type ??= 'ClusterIP';
      spec.clusterIP ??= address(uid);
      spec.clusterIPs ??= [spec.clusterIP];
      spec.ports = (spec.ports ?? []).map((port, index) => ({
        protocol: 'TCP',
        targetPort: port.port,
        ...port,
        ...(spec.type === 'LoadBalancer'
          ? { nodePort: port.nodePort ?? 30_000 + ((number(uid) + index * 7) % 2_768) }
          : {}),
      }));
      copy.status ??= { loadBalancer: {} };
    });
  }
};

const number = (uid: string): number => parseInt(uid.slice(0, 7), 16) || 0;

/**
 * An address in k3s' service network 10.43.0.0/16, derived from the uid; the first ones are reserved for the cluster.
 */
const address = (uid: string): string => `10.43.${1 + (number(uid) % 254)}.${1 + (number(uid.slice(1)) % 254)}`;
