import type { HostCall, KubeObject, ProgramResult } from '../../world.ts';
import { flag, parseArgs } from '../kubectl/args.ts';
import { istioError, refused } from './call.ts';
import { CLUSTER_FLAGS, dial, namespaceOf, webhookRequest } from './dial.ts';
import { REVISION, tagObjects } from './render.ts';

const INJECTORS = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';
const QUESTION = 'Apply anyways? [y/N] ';

/** `istioctl tag set TAG --revision R [--overwrite] [--skip-confirmation]`. */
export async function tagSet(call: HostCall, version: string, args: readonly string[]): Promise<ProgramResult> {
  const parsed = parseArgs(args, {
    ...CLUSTER_FLAGS,
    '--revision': 'value',
    '--overwrite': 'switch',
    '--skip-confirmation': 'switch',
  });
  if ('unknown' in parsed) return refused(`tag set ${parsed.unknown}`);
  const [tag, ...more] = parsed.words;
  const revision = flag(parsed, '--revision');
  if (tag === undefined || more.length > 0) return refused(`tag set ${parsed.words.join(' ')}`);
  if (revision === undefined) return istioError('required flag(s) "revision" not set');
  const connection = await dial(call, parsed, webhookRequest(revision));
  if ('failure' in connection) return connection.failure;
  const { store } = connection.cluster;
  const namespace = namespaceOf(parsed);
  const injectors = store.list(INJECTORS);
  const canonical = injectors.find(
    ({ metadata }) => metadata.labels?.[REVISION] === revision && metadata.labels['istio.io/tag'] === undefined,
  );
  if (canonical === undefined)
    return istioError(
      `cannot modify tag: cannot find MutatingWebhookConfiguration or Service with revision "${revision}"`,
    );
  const exists = injectors.some(({ metadata }) => metadata.labels?.['istio.io/tag'] === tag);
  if (exists && !parsed.flags.has('--overwrite')) {
    return istioError(`revision tag "${tag}" already exists, and --overwrite is false`);
  }
  const conflict = conflictWith(injectors, tag, namespace, store.list('services'), revision);
  if (conflict !== undefined && !parsed.flags.has('--skip-confirmation')) {
    // There is no user to answer: an empty stdin means no, and no is a success (docs/facts/real-mesh.md 6.6).
    return { exitCode: 0, stdout: QUESTION, stderr: conflict };
  }
  for (const object of tagObjects(tag, revision, namespace, version)) store.apply(object, 'istioctl');
  return {
    exitCode: 0,
    stdout:
      `Revision tag "${tag}" created, referencing control plane revision "${revision}". To enable injection using this\n` +
      `revision tag, use 'kubectl label namespace <NAMESPACE> istio.io/rev=${tag}'\n`,
  };
}

/**
 * What the analyzer reports on the new webhook: it differs from the existing one, or its istiod is not in this
 * namespace.
 */
function conflictWith(
  injectors: readonly KubeObject[],
  tag: string,
  namespace: string,
  services: readonly KubeObject[],
  revision: string,
): string | undefined {
  const other = injectors.find(({ metadata }) => metadata.labels?.['istio.io/tag'] === tag);
  const name = `istio-revision-tag-${tag}`;
  if (other !== undefined && other.metadata.labels?.[REVISION] !== revision) {
    return `Error [IST0139] (MutatingWebhookConfiguration ${name}) Webhook overlaps with others: [${other.metadata.name}/rev.namespace.sidecar-injector.istio.io]. This may cause injection to occur twice.\n`;
  }
  const home = services.find(({ metadata }) => metadata.name === `istiod-${revision}`)?.metadata.namespace;
  if (home === namespace) return undefined;
  return `Error [IST0139] (MutatingWebhookConfiguration ${name}) The webhook refers to a non-existent Service istiod-${revision}.${namespace}\n`;
}
