import { parseAllDocuments } from 'yaml';
import { ApiError, fromServer } from '../../cluster/api-error.ts';
import type { Store } from '../../cluster/store.ts';
import type { KindInfo } from '../../cluster/kinds.ts';
import { holdNamespace } from '../../cluster/namespaces.ts';
import { consumeFault } from '../../fault-state.ts';
import type { KubeObject } from '../../world.ts';
import { flag } from './args.ts';
import { shown, type Verb } from './verb.ts';

/** `kubectl apply --server-side`: one object after the other; a failure does not stop the rest. */
export const apply: Verb = {
  flags: {
    '--server-side': 'switch',
    '--force-conflicts': 'switch',
    '--field-manager': 'value',
    '--filename': 'value',
  },
  run: async ({ call, cluster, parsed }) => {
    const manager = flag(parsed, '--field-manager');
    const lacking = ['--server-side', '--force-conflicts', '--filename'].find((name) => !parsed.flags.has(name));
    const odd = parsed.words[0] ?? (flag(parsed, '--filename') === '-' ? lacking : '--filename');
    if (odd !== undefined || manager === undefined) {
      const why = odd ?? '--field-manager';
      return { exitCode: 1, stderr: `error: not understood here: ${why}\n`, refused: `kubectl apply ${why}` };
    }
    if (consumeFault(call.world, 'api-conflict')) {
      throw fromServer(
        'Conflict',
        'Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again',
      );
    }
    if (consumeFault(call.world, 'webhook-failing')) {
      throw fromServer(
        'InternalError',
        'Internal error occurred: failed calling webhook "rev.validation.istio.io": no endpoints available for service "istiod"',
      );
    }
    const objects = readObjects(Buffer.from(call.stdin).toString('utf8'));
    const young = objects.find(
      ({ kind, metadata }) => kind === 'Namespace' && !namespaceExists(cluster.store, metadata.name),
    );
    if (young !== undefined && consumeFault(call.world, 'namespace-stuck')) {
      cluster.store.apply(young, manager);
      holdNamespace(call.world, cluster.store, young.metadata.name);
    }
    const lines: string[] = [];
    const errors: string[] = [];
    for (const [index, object] of objects.entries()) {
      if (index > 0)
        CRASH_POINT: await call.world.crashPoints?.at(`kubectl apply: ${index} of ${objects.length} objects`);
      try {
        const saved = cluster.store.apply(object, manager);
        if (saved.kind === 'Namespace' && saved['status'] === undefined) activate(cluster.store, saved.metadata.name);
        const info = cluster.store.serving(saved.apiVersion, saved.kind) as KindInfo;
        lines.push(`${shown(info, saved.metadata.name)} serverside-applied`);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        errors.push(error.message);
      }
    }
    return {
      exitCode: errors.length === 0 ? 0 : 1,
      stdout: lines.map((line) => `${line}\n`).join(''),
      stderr: errors.map((line) => `${line}\n`).join(''),
    };
  },
};

const namespaceExists = (store: Pick<Store, 'get'>, name: string): boolean =>
  store.get('namespaces', undefined, name) !== undefined;

/** A new namespace as the API server completes it. */
export function activate(store: Pick<Store, 'edit'>, name: string): void {
  store.edit('namespaces', undefined, name, (home) => {
    home.status = { phase: 'Active' };
    home.metadata.labels = { ...home.metadata.labels, 'kubernetes.io/metadata.name': name };
  });
}

/** Parses documents of YAML or JSON and expands Lists. @throws ApiError for what is no Kubernetes object */
function readObjects(text: string): KubeObject[] {
  const documents = parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) {
      throw new ApiError(
        `error: error parsing STDIN: error converting YAML to JSON: yaml: ${document.errors[0]?.message ?? ''}`,
      );
    }
    return document.toJS() as (Partial<KubeObject> & { items?: KubeObject[] }) | null;
  });
  const objects = documents.flatMap((document) =>
    document === null ? [] : document.kind === 'List' ? (document.items ?? []) : [document as KubeObject],
  );
  if (objects.length === 0) throw new ApiError('error: no objects passed to apply');
  for (const object of objects) {
    if (typeof object.kind !== 'string' || typeof object.apiVersion !== 'string') {
      throw new ApiError(
        `error: unable to decode "STDIN": Object 'Kind' is missing in '${JSON.stringify(object).slice(0, 60)}'`,
      );
    }
  }
  return objects;
}
