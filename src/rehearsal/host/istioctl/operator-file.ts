import { parseAllDocuments } from 'yaml';
import type { Files } from '../../../system/doors.ts';

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

/** The fields of an IstioOperator that the simulated installer acts upon (facts/istio-vm.md 2.3). */
export interface Operator {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: {
    readonly revision?: string;
    readonly profile?: string;
    readonly hub?: string;
    readonly tag?: string;
    readonly components?: {
      readonly base?: { readonly enabled?: boolean };
      readonly pilot?: { readonly enabled?: boolean; readonly k8s?: { readonly resources?: Resources } };
      readonly ingressGateways?: readonly GatewayComponent[];
    };
    readonly values?: {
      readonly global?: {
        readonly istioNamespace?: string;
        readonly meshID?: string;
        readonly network?: string;
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

/** A file that istioctl would not take; the message is its own. */
export class OperatorError extends Error {}

/** Known since 1.24, when the decoder became strict. */
const SPEC_KEYS = [
  'namespace',
  'revision',
  'tag',
  'hub',
  'profile',
  'components',
  'values',
  'unvalidatedValues',
  'meshConfig',
  'compatibilityVersion',
];
const COMPONENT_KEYS = ['base', 'pilot', 'cni', 'ztunnel', 'ingressGateways', 'egressGateways'];
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

/** Reads IstioOperator files in order, later ones over earlier ones. @throws OperatorError */
export async function readOperators(files: Files, paths: readonly string[], strict: boolean): Promise<Operator> {
  let merged: Fields = {};
  for (const path of paths) {
    const text = await files.readText(path);
    if (text === undefined)
      throw new OperatorError(`could not read values from file: open ${path}: no such file or directory`);
    merged = mergeFields(merged, oneDocument(path, text, strict));
  }
  return merged;
}

function oneDocument(path: string, text: string, strict: boolean): Fields {
  const documents = parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0)
      throw new OperatorError(`${path}: error converting YAML to JSON: ${document.errors[0]?.message ?? ''}`);
    return document.toJS() as unknown;
  });
  const [first, second] = documents.filter(isFields);
  if (first === undefined) throw new OperatorError(`${path}: no IstioOperator in it`);
  if (second !== undefined)
    throw new OperatorError(`${path}: contains multiple IstioOperator CRs, only one per file is supported`);
  if (first['apiVersion'] !== 'install.istio.io/v1alpha1' || first['kind'] !== 'IstioOperator') {
    throw new OperatorError(
      `${path}: expected IstioOperator of install.istio.io/v1alpha1, got ${String(first['kind'])} of ${String(first['apiVersion'])}`,
    );
  }
  if (strict) checkFields(first);
  return first;
}

function checkFields(document: Fields): void {
  const spec = fields(document['spec']);
  known(spec, SPEC_KEYS, 'spec');
  const components = fields(spec['components']);
  known(components, COMPONENT_KEYS, 'spec.components');
  for (const [name, value] of Object.entries(components)) {
    const parts: unknown[] = Array.isArray(value) ? value : [value];
    for (const part of parts) {
      known(fields(part), PART_KEYS, `spec.components.${name}`);
      known(fields(fields(part)['k8s']), K8S_KEYS, `spec.components.${name}.k8s`);
    }
  }
}

function known(found: Fields, allowed: readonly string[], where: string): void {
  const odd = Object.keys(found).find((key) => !allowed.includes(key));
  if (odd !== undefined) throw new OperatorError(`validation errors: unknown field "${where}.${odd}"`);
}

/** Maps merge, lists are replaced; gateways, which have names, merge by them. */
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
