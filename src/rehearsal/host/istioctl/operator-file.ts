import { parseAllDocuments } from 'yaml';
import type { Files } from '../../../system/system.ts';

type Fields = Record<string, unknown>;

export interface Resources {
  readonly requests?: { readonly cpu?: string; readonly memory?: string };
}

export interface GatewayComponent {
  readonly name: string;
  readonly enabled?: boolean;
  readonly namespace?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly k8s?: {
    readonly env?: readonly unknown[];
    readonly resources?: Resources;
    readonly service?: {
      readonly ports?: readonly { name: string; port: number; targetPort?: number }[];
      readonly type?: string;
    };
  };
}

/** The fields of an IstioOperator that the simulated installer uses (docs/facts/istio-vm.md 2.3). */
export interface Operator {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: {
    readonly revision?: string;
    readonly profile?: string;
    readonly hub?: string;
    readonly tag?: string | number;
    readonly components?: {
      readonly base?: { readonly enabled?: boolean };
      readonly pilot?: { readonly enabled?: boolean; readonly k8s?: { readonly resources?: Resources } };
      readonly ingressGateways?: readonly GatewayComponent[];
    };
    readonly values?: {
      readonly revision?: string;
      readonly global?: {
        readonly istioNamespace?: string;
        readonly meshID?: string;
        readonly network?: string;
        readonly hub?: string;
        readonly tag?: string | number;
        readonly imagePullPolicy?: string;
        readonly multiCluster?: { readonly clusterName?: string };
        readonly proxy?: { readonly resources?: Resources };
      };
      readonly gateways?: Readonly<
        Record<string, { readonly injectionTemplate?: string; readonly resources?: Resources }>
      >;
      readonly pilot?: { readonly resources?: Resources };
    };
    readonly meshConfig?: { readonly defaultConfig?: Readonly<Record<string, unknown>> };
  };
}

/** A file that istioctl would reject; the message is istioctl's own. */
export class OperatorError extends Error {}

/** Known since 1.24, when the decoder became strict (operator/pkg/apis/types.go, values_types.proto of 1.30). */
const DOCUMENT_KEYS = ['apiVersion', 'kind', 'metadata', 'spec'];
const SPEC_KEYS = [
  'namespace',
  'revision',
  'tag',
  'hub',
  'profile',
  'installPackagePath',
  'components',
  'values',
  'unvalidatedValues',
  'meshConfig',
  'compatibilityVersion',
];
const VALUES_KEYS =
  'cni gateways global pilot ztunnel telemetry sidecarInjectorWebhook istio_cni revision ownerName meshConfig base istiodRemote revisionTags defaultRevision profile compatibilityVersion experimental gatewayClasses'.split(
    ' ',
  );
const GLOBAL_KEYS =
  'arch certSigners configValidation defaultNodeSelector defaultPodDisruptionBudget defaultResources defaultTolerations hub imagePullPolicy imagePullSecrets istioNamespace logAsJson logging meshID meshNetworks multiCluster network podDNSSearchNamespaces omitSidecarInjectorConfigMap operatorManageWebhooks priorityClassName proxy proxy_init sds tag variant tracer remotePilotAddress istiod pilotCertProvider jwtPolicy sts revision mountMtlsCerts caAddress externalIstiod configCluster caName platform ipFamilies ipFamilyPolicy waypoint trustBundleName nativeNftables networkPolicy resourceScope agentgateway enableReaderRBAC'.split(
    ' ',
  );
const COMPONENT_KEYS = ['base', 'pilot', 'cni', 'ztunnel', 'istiodRemote', 'ingressGateways', 'egressGateways'];
const PART_KEYS = ['enabled', 'namespace', 'hub', 'tag', 'name', 'label', 'k8s'];
const K8S_KEYS = [
  'affinity',
  'env',
  'hpaSpec',
  'imagePullPolicy',
  'nodeSelector',
  'overlays',
  'podAnnotations',
  'podDisruptionBudget',
  'podLabels',
  'priorityClassName',
  'readinessProbe',
  'replicaCount',
  'resources',
  'securityContext',
  'service',
  'serviceAnnotations',
  'serviceAccountAnnotations',
  'strategy',
  'tolerations',
  'volumeMounts',
  'volumes',
];

/** Reads IstioOperator files in order; later ones override earlier ones. @throws OperatorError */
export async function readOperators(files: Files, paths: readonly string[], strict: boolean): Promise<Operator> {
  let merged: Fields = { apiVersion: 'install.istio.io/v1alpha1', kind: 'IstioOperator', metadata: {}, spec: {} };
  for (const path of paths) {
    const text = await files.readText(path);
    if (text === undefined)
      throw new OperatorError(`generate config: merge inputs: open ${path}: no such file or directory`);
    merged = mergeFields(merged, oneDocument(text));
  }
  if (strict) checkFields(merged);
  return merged;
}

/** A file with comments only counts as empty and is valid (docs/facts/real-mesh.md 6.13). */
function oneDocument(text: string): Fields {
  const documents = parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) {
      const why = document.errors[0]?.message ?? '';
      throw new OperatorError(`generate config: merge inputs: error converting YAML to JSON: yaml: ${why}`);
    }
    return document.toJS() as unknown;
  });
  const operators = documents.filter((document) => isFields(document));
  if (operators.length > 1) {
    throw new OperatorError(
      'generate config: merge inputs: contains multiple IstioOperator CRs, only one per file is supported',
    );
  }
  const { spec, ...rest } = operators[0] ?? {};
  return spec === null || spec === undefined ? rest : { ...rest, spec };
}

/** Another kind is detected by a field that only it has, such as `data` of a ConfigMap. */
function checkFields(document: Fields): void {
  known(document, DOCUMENT_KEYS);
  const spec = fields(document['spec']);
  known(spec, SPEC_KEYS);
  const components = fields(spec['components']);
  known(components, COMPONENT_KEYS);
  for (const value of Object.values(components)) {
    const parts: unknown[] = Array.isArray(value) ? value : [value];
    for (const part of parts) {
      known(fields(part), PART_KEYS);
      known(fields(fields(part)['k8s']), K8S_KEYS);
    }
  }
  const values = fields(spec['values']);
  known(values, VALUES_KEYS);
  const global = fields(values['global']);
  known(global, GLOBAL_KEYS);
  booleans(global, GLOBAL_SWITCHES);
}

const GLOBAL_SWITCHES = ['logAsJson', 'mountMtlsCerts', 'externalIstiod', 'configCluster', 'nativeNftables'];

function booleans(found: Fields, keys: readonly string[]): void {
  const odd = keys.map((key) => found[key]).find((value) => !['undefined', 'boolean'].includes(typeof value));
  if (odd === undefined || odd === null) return;
  const type = Array.isArray(odd) ? 'array' : typeof odd;
  throw new OperatorError(
    `generate config: could not unmarshal: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${type} into Go value of type bool`,
  );
}

function known(found: Fields, allowed: readonly string[]): void {
  const odd = Object.keys(found).find((key) => !allowed.includes(key));
  if (odd !== undefined) throw new OperatorError(`generate config: could not unmarshal: json: unknown field "${odd}"`);
}

/** Maps merge, lists are replaced; gateways merge by their names. */
function mergeFields(base: Fields, over: Fields): Fields {
  const merged: Fields = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] =
      isFields(old) && isFields(value)
        ? mergeFields(old, value)
        : key === 'ingressGateways' && Array.isArray(old) && Array.isArray(value)
          ? mergeNamed(old as Fields[], value as Fields[])
          : value;
  }
  return merged;
}

export function mergeNamed(base: readonly Fields[], over: readonly Fields[]): Fields[] {
  const merged = base.map((entry) => {
    const match = over.find((candidate) => candidate['name'] === entry['name']);
    return match === undefined ? entry : mergeFields(entry, match);
  });
  return [...merged, ...over.filter((entry) => !base.some((other) => other['name'] === entry['name']))];
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fields = (value: unknown): Fields => (isFields(value) ? value : {});
