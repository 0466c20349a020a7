import { parseAllDocuments } from 'yaml';
import type { Config } from '../../config/config.ts';
import type { GatewayOverlay } from '../manifests/east-west-gateway.ts';
import { chartValues, fieldsAt, isFields, listAt, type Fields } from './fields.ts';
import { portClashes } from './ports.ts';
import { contradictions, missingParts } from './rules.ts';

/** The settings of an overlay that select images. */
export interface ImageOverlay extends GatewayOverlay {
  /** `hub`, `tag`, `image` and `variant` of istiod alone. */
  readonly pilot?: Fields;
  /** Tags of ingress gateways; Istio's chart ignores their `hub`. */
  readonly gatewayTags?: readonly unknown[];
}

/** The settings of an overlay that also apply to the east-west gateway. Empty when the file cannot be parsed. */
export function gatewayOverlay(text: string): GatewayOverlay {
  const spec = specOf(documentsIn(text).found[0]);
  const { hub, tag } = spec;
  return {
    ...(hub === undefined ? {} : { hub }),
    ...(tag === undefined ? {} : { tag }),
    global: fieldsAt(spec, 'values', 'global'),
  };
}

/** Where an overlay takes Istio's images from, as Istio's charts read it. Empty when the file cannot be parsed. */
export function imageOverlay(text: string): ImageOverlay {
  const spec = specOf(documentsIn(text).found[0]);
  const { hub, tag } = fieldsAt(spec, 'components', 'pilot');
  const gateways = listAt(spec, 'components', 'ingressGateways').filter(({ enabled }) => enabled !== false);
  return {
    ...gatewayOverlay(text),
    pilot: {
      ...fieldsAt(spec, 'values', 'pilot'),
      ...(hub === undefined ? {} : { hub }),
      ...(tag === undefined ? {} : { tag }),
    },
    gatewayTags: gateways.map((gateway) => gateway['tag']).filter((each) => each !== undefined),
  };
}

/** The settings of an overlay that istiod passes on to every workload, as text for a digest. */
export function meshSettings(text: string): string {
  const spec = specOf(documentsIn(text).found[0]);
  return JSON.stringify([spec['meshConfig'], chartValues(spec, 'meshConfig'), chartValues(spec, 'global')]);
}

/**
 * Everything in an overlay that cannot work in this lab, a sentence each: what istioctl rejects in any version, and
 * what contradicts a variable of the configuration, because the other steps use the variable's value.
 */
export function overlayProblems(text: string, config: Config): readonly string[] {
  const { found, broken } = documentsIn(text);
  if (broken !== undefined) return [`it is not YAML: ${broken}`];
  if (found.length > 1) return [`it has ${found.length} documents; istioctl takes one IstioOperator per file`];
  const [document] = found;
  // The file has only comments: an empty overlay, which istioctl accepts.
  if (document === undefined) return [];
  if (!isFields(document)) return ['it is not an IstioOperator'];
  const { kind, apiVersion } = document;
  if ((kind !== undefined && kind !== 'IstioOperator') || (apiVersion !== undefined && apiVersion !== API_VERSION)) {
    return [`it is a ${String(kind)} of ${String(apiVersion)}; expected an IstioOperator of ${API_VERSION}`];
  }
  const spec = specOf(document);
  const metadata = fieldsAt(document, 'metadata');
  return [...contradictions(metadata, spec, config), ...missingParts(metadata, spec), ...portClashes(spec, config)];
}

const API_VERSION = 'install.istio.io/v1alpha1';

function documentsIn(text: string): { readonly found: readonly unknown[]; readonly broken?: string } {
  const documents = parseAllDocuments(text);
  const errors = [...documents].flatMap((document) => document.errors);
  if (errors[0] !== undefined) return { found: [], broken: errors[0].message.split('\n')[0] ?? '' };
  const found = [...documents].map((document): unknown => document.toJS()).filter((each) => each !== null);
  return { found };
}

const specOf = (document: unknown): Fields => (isFields(document) ? fieldsAt(document, 'spec') : {});
