import { parseAllDocuments } from 'yaml';
import type { Config } from '../config/config.ts';
import { GATEWAY_SERVICE, type GatewayOverlay } from './east-west-gateway.ts';

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The settings of an overlay that reach the east-west gateway. A file that cannot be read gives none. */
export function gatewayOverlay(text: string): GatewayOverlay {
  const spec = specOf(documentsIn(text).found[0]);
  const { hub, tag } = spec;
  return {
    ...(hub === undefined ? {} : { hub }),
    ...(tag === undefined ? {} : { tag }),
    global: fieldsAt(spec, 'values', 'global'),
  };
}

/**
 * Everything in an overlay that cannot work in this lab, a sentence each: what istioctl refuses in any version, and what
 * contradicts a variable of the configuration, for the rest of the lab would look for the other value.
 */
export function overlayProblems(text: string, { istio, networks }: Config): readonly string[] {
  const { found, broken } = documentsIn(text);
  if (broken !== undefined) return [`it is not YAML: ${broken}`];
  if (found.length > 1) return [`it has ${found.length} documents; istioctl takes one IstioOperator per file`];
  const [document] = found;
  // Only comments: an empty overlay, which istioctl takes.
  if (document === undefined) return [];
  if (!isFields(document)) return ['it is no IstioOperator'];
  const { kind, apiVersion } = document;
  if ((kind !== undefined && kind !== 'IstioOperator') || (apiVersion !== undefined && apiVersion !== API_VERSION)) {
    return [`it is a ${String(kind)} of ${String(apiVersion)}; expected an IstioOperator of ${API_VERSION}`];
  }
  const spec = specOf(document);
  const metadata = isFields(document['metadata']) ? document['metadata'] : {};
  const rules: readonly (readonly [path: string, value: unknown, wanted: string, variable: string])[] = [
    ['metadata.namespace', metadata['namespace'], istio.namespace, 'ISTIO_NAMESPACE'],
    ['spec.namespace', spec['namespace'], istio.namespace, 'ISTIO_NAMESPACE'],
    ['spec.revision', spec['revision'], istio.revision, 'ISTIO_REVISION'],
    ...(['values', 'unvalidatedValues'] as const).flatMap((values) => {
      const at = (...path: readonly string[]): unknown => valueAt(spec, values, ...path);
      return [
        [`spec.${values}.revision`, at('revision'), istio.revision, 'ISTIO_REVISION'],
        [`spec.${values}.global.istioNamespace`, at('global', 'istioNamespace'), istio.namespace, 'ISTIO_NAMESPACE'],
        [`spec.${values}.global.meshID`, at('global', 'meshID'), istio.meshId, 'ISTIO_MESH_ID'],
        [`spec.${values}.global.network`, at('global', 'network'), networks.cluster, 'CLUSTER_NETWORK'],
        [
          `spec.${values}.global.multiCluster.clusterName`,
          at('global', 'multiCluster', 'clusterName'),
          istio.cluster,
          'ISTIO_CLUSTER',
        ],
      ] as const;
    }),
  ];
  const contradictions = rules
    .filter(([, value, wanted]) => value !== undefined && value !== null && value !== wanted)
    .map(([path, value, wanted, variable]) => `${path} is ${JSON.stringify(value)}, but ${variable} is "${wanted}"`);
  return [...contradictions, ...missingParts(spec)];
}

const API_VERSION = 'install.istio.io/v1alpha1';

/** What the lab cannot do without, or makes itself. */
function missingParts(spec: Fields): readonly string[] {
  const profile = spec['profile'];
  const gateways = valueAt(spec, 'components', 'ingressGateways');
  const named = Array.isArray(gateways) ? gateways.filter(isFields).map(({ name }) => name) : [];
  return [
    ...(profile === 'empty' ? ['spec.profile is "empty", which installs no istiod'] : []),
    ...(valueAt(spec, 'components', 'pilot', 'enabled') === false
      ? ['spec.components.pilot.enabled is false, but the lab needs istiod']
      : []),
    ...(named.includes(GATEWAY_SERVICE)
      ? [`spec.components.ingressGateways names ${GATEWAY_SERVICE}, which istio-vms installs itself`]
      : []),
  ];
}

function documentsIn(text: string): { readonly found: readonly unknown[]; readonly broken?: string } {
  const documents = parseAllDocuments(text);
  const errors = [...documents].flatMap((document) => document.errors);
  if (errors[0] !== undefined) return { found: [], broken: errors[0].message.split('\n')[0] ?? '' };
  const found = [...documents].map((document): unknown => document.toJS()).filter((each) => each !== null);
  return { found };
}

const specOf = (document: unknown): Fields =>
  isFields(document) && isFields(document['spec']) ? document['spec'] : {};

function valueAt(from: Fields, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isFields(value) ? value[key] : undefined), from);
}

function fieldsAt(from: Fields, ...path: readonly string[]): Fields {
  const value = valueAt(from, ...path);
  return isFields(value) ? value : {};
}
