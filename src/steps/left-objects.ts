import { labels } from '../kube/manifests/manifest.ts';
import type { KubeObject } from '../kube/kinds.ts';
import { isKind } from '../kube/object.ts';
import type { Context } from '../system/system.ts';
import type { Lab } from './lab.ts';

/** Kinds of content for which a namespace is kept if istio-vms did not create it. */
const CONTENT = [
  'pods',
  'services',
  'serviceaccounts',
  'configmaps',
  'secrets',
  'persistentvolumeclaims',
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'jobs.batch',
  'cronjobs.batch',
  'networkpolicies.networking.k8s.io',
  'virtualservices.networking.istio.io',
  'destinationrules.networking.istio.io',
  'serviceentries.networking.istio.io',
  'workloadgroups.networking.istio.io',
  'workloadentries.networking.istio.io',
  'peerauthentications.security.istio.io',
  'authorizationpolicies.security.istio.io',
] as const;

/** Objects that Kubernetes and istiod create in every namespace. */
const EVERYWHERE = new Set([
  'ServiceAccount/default',
  'ConfigMap/kube-root-ca.crt',
  'ConfigMap/istio-ca-root-cert',
  'ConfigMap/istio-ca-crl',
]);

/** An object of this lab that the current settings do not need. */
export interface Leftover {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  /** Set for an object that is kept, e.g. a namespace: the objects in it that istio-vms did not create. */
  readonly holds?: string;
}

/** `Service vmns/external-app`. */
export function leftoverName({ kind, name, namespace }: Leftover): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

/** Whether it may be deleted without deleting objects of others. */
export const isDeletable = ({ holds }: Leftover): boolean => holds === undefined;

/** Whether an object has the labels of exactly this lab. */
export function isOurs({ config }: Lab, { metadata }: Pick<KubeObject, 'metadata'>): boolean {
  return Object.entries(labels(config)).every(([name, value]) => metadata.labels?.[name] === value);
}

/** The object as a leftover; for a namespace, with the objects in it that are not ours and would be deleted with it. */
export async function namespacesInUse(lab: Lab, { kind, metadata }: KubeObject, context: Context): Promise<Leftover> {
  const { name, namespace } = metadata;
  if (kind !== 'Namespace') return { kind, name, ...(namespace !== undefined && { namespace }) };
  const foreign = await foreignObjects(lab, name, context);
  return { kind, name, ...(foreign.length > 0 && { holds: foreign.join(', ') }) };
}

/**
 * A namespace may have existed before we labeled it, so it may contain other objects, which would be deleted with it.
 */
async function foreignObjects(lab: Lab, namespace: string, context: Context): Promise<readonly string[]> {
  const content = await lab.kubectl.get(CONTENT, { namespace }, context);
  return content
    .filter((object) => {
      const { metadata, kind } = object;
      const owned = (metadata.ownerReferences ?? []).length > 0;
      const registered = metadata.annotations?.['istio.io/autoRegistrationGroup'] !== undefined;
      const token = isKind(object, 'Secret') && object.type === 'kubernetes.io/service-account-token';
      return !isOurs(lab, object) && !owned && !registered && !token && !EVERYWHERE.has(`${kind}/${metadata.name}`);
    })
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}
