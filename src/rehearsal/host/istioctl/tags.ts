import { ISTIOCTL_CALL } from '../../durations.ts';
import type { HostCall, ProgramResult } from '../../world.ts';
import { flag, parseArgs } from '../kubectl/args.ts';
import { connect } from '../kubectl/connect.ts';
import { istioError, refused } from './call.ts';
import { REVISION, tagObjects } from './render.ts';

const INJECTORS = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';

/** `istioctl tag set TAG --revision R [--overwrite]`. */
export async function tagSet(call: HostCall, version: string, args: readonly string[]): Promise<ProgramResult> {
  const parsed = parseArgs(args, {
    '--revision': 'value',
    '--overwrite': 'switch',
    '--kubeconfig': 'value',
    '--context': 'value',
  });
  if ('unknown' in parsed) return refused(`tag set ${parsed.unknown}`);
  const [tag, ...more] = parsed.words;
  const revision = flag(parsed, '--revision');
  if (tag === undefined || more.length > 0) return refused(`tag set ${parsed.words.join(' ')}`);
  if (revision === undefined) return istioError('required flag(s) "revision" not set');
  const connection = await connect(
    call,
    flag(parsed, '--kubeconfig') ?? '',
    flag(parsed, '--context') ?? '',
    ISTIOCTL_CALL,
  );
  if ('failure' in connection) return connection.failure;
  const { store } = connection.cluster;
  const injectors = store.list(INJECTORS);
  const known = injectors.some(
    ({ metadata }) => metadata.labels?.[REVISION] === revision && metadata.labels['istio.io/tag'] === undefined,
  );
  if (!known)
    return istioError(
      `failed to create tag: cannot modify tag "${tag}": cannot find MutatingWebhookConfiguration with revision "${revision}"`,
    );
  const exists = injectors.some(({ metadata }) => metadata.labels?.['istio.io/tag'] === tag);
  if (exists && !parsed.flags.has('--overwrite')) {
    return istioError(`revision tag "${tag}" already exists, and --overwrite is false`);
  }
  const plane = store
    .list('deployments.apps')
    .find(({ metadata }) => metadata.labels?.['app'] === 'istiod' && metadata.labels[REVISION] === revision);
  for (const object of tagObjects(tag, revision, plane?.metadata.namespace ?? 'istio-system', version))
    store.apply(object, 'istioctl');
  return { exitCode: 0, stdout: `Revision tag "${tag}" created, referencing control plane revision "${revision}".\n` };
}
